using System.Diagnostics;
using OnCache.Agent.Bpf;
using OnCache.Agent.Cli;
using OnCache.Agent.Coherence;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Tests.Bpf;
using OnCache.Agent.Tests.Daemon;
using OnCache.Agent.Tests.Datapath.Cases;
using OnCache.Agent.Tests.Datapath.Packets;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>
/// In which order the stores of a flush become visible, as a second thread sees them, like a program on another CPU: whoever reads the new
/// epoch must find learning held and the proof gone. The model says what comes of another order (<c>stores-swapped</c>).
/// </summary>
public sealed class StoreOrderTests
{
    // A wrong order shows for nanoseconds in each flush, and so in one of some hundreds that are watched.
    private const int Watched = 20_000;
    private const int MostFlushes = 5_000_000;
    private const ulong FirstHold = 1UL << 40;

    private static readonly EndpointSpec s_pod = new(
        Ipv4Address.Parse("10.244.1.2"), "uid-web", IfIndex: 11, MacAddress.Parse("02:00:00:00:01:02"), MacAddress.Parse("02:00:00:00:01:01"), Mtu: 1450,
        EndpointMode.Accelerate, ProtocolBits.All, EndpointFlags.Portless);

    [Fact]
    public void A_flush_of_a_pod_holds_learning_before_it_raises_the_epoch()
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel, out var slot);
        var first = kernel.Maps.IngressCache[slot].Epoch;

        Watch(
            flush: round => table.Flush(new FlushTarget(s_pod.Uid, s_pod.Address), FirstHold + round),
            epoch: () => Volatile.Read(ref kernel.Maps.IngressCache[slot].Epoch),
            isBehind: epoch => Volatile.Read(ref kernel.Maps.IngressCache[slot].LearnAfter) < FirstHold + (epoch - first));
    }

    [Fact]
    public void A_flush_of_everything_holds_learning_before_it_raises_the_epoch()
    {
        using var kernel = new FreshDatapath();
        var controller = new DatapathController(kernel.Datapath, new IdleAttacher(), new AgentSettings(), static (_, _) => { });
        controller.Endpoints.Apply([s_pod], settle: 0);
        var slot = controller.Endpoints.SlotOf(s_pod.Address)!.Value;
        var plan = FlushPlan.Everything(FlushCause.WatchGap, "gap", settle: true);
        var first = kernel.Maps.Config[0].Epoch;
        // Each flush holds a minute longer than the one before, so one store says which flush it is of.
        var before = MonotonicClock.Now();

        Watch(
            flush: round => controller.Flush(plan, TimeSpan.FromMinutes(round), new FlushTiming(Stopwatch.GetTimestamp())),
            epoch: () => Volatile.Read(ref kernel.Maps.Config[0].Epoch),
            isBehind: epoch => Volatile.Read(ref kernel.Maps.IngressCache[slot].LearnAfter)
                < before + MonotonicClock.Nanoseconds(TimeSpan.FromMinutes(epoch - first)));
    }

    [Fact]
    public void A_flush_takes_the_proof_back_before_it_raises_the_epoch()
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel, out var slot);
        var first = kernel.Maps.IngressCache[slot].Epoch;

        WatchProof(kernel, table, slot, first, round => table.Flush(new FlushTarget(s_pod.Uid, s_pod.Address), FirstHold + round));
    }

    [Fact]
    public void A_proof_that_no_longer_holds_goes_before_the_epoch_rises()
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel, out var slot);
        var first = kernel.Maps.IngressCache[slot].Epoch;

        WatchProof(kernel, table, slot, first, _ => table.Apply([s_pod with { Flags = EndpointFlags.None }], settle: 0));
    }

    /// <summary>
    /// A learner whose packet is under way while the agent flushes, thousands of times: its verdict is of the old epoch, or learning was held. None
    /// that is learned may have the new one.
    /// </summary>
    [Fact]
    public void A_learner_that_meets_a_flush_is_held_or_binds_its_verdict_to_the_former_epoch()
    {
        const string Program = "pod_ingress_learn";
        RequireSecondCpu();
        using var stage = new Stage();
        var learned = CaseReader.All().First(static pair => pair.Program == Program && pair.Case.Name == "udp").Case;
        new CaseRun(stage, Program, learned).Check();
        var packet = PacketBuilder.Build(learned.Packet);
        var key = stage.Maps.FilterCache.Keys().ShouldHaveSingleItem();
        using var entry = new TrafficClassIndex(stage.Datapath.ProgramFd(Stage.FullName(Program)), stage.AttachTypeOf(Stage.FullName(Program)), Stage.MissBit);
        var done = false;
        var learner = new Thread(() => stage.Namespace.Run(() =>
        {
            while (!Volatile.Read(ref done))
            {
                ProgramRun.Repeatedly(entry.Descriptor, packet, new PacketContext(Stage.IfIndex("pod")), times: 10_000);
            }
        }));
        learner.Start();
        var (wrong, late) = (0, 0);
        ref var endpoint = ref stage.Maps.IngressCache[Stage.PodSlot];
        for (var round = 0; round < Watched; round++)
        {
            Volatile.Write(ref endpoint.LearnAfter, 0);
            Thread.SpinWait(round % 64);
            Volatile.Write(ref endpoint.LearnAfter, ulong.MaxValue);
            var epoch = Interlocked.Increment(ref endpoint.Epoch);
            Thread.SpinWait(64);
            var verdict = stage.Maps.FilterCache.TryGet(key, out var found) ? found.EndpointEpoch : 0;
            wrong += verdict == epoch ? 1 : 0;
            late += verdict == epoch - 1 ? 1 : 0;
        }

        Volatile.Write(ref done, true);
        learner.Join();
        late.ShouldBeGreaterThan(0, "the learner was under way when the flushes came");
        wrong.ShouldBe(0, $"of {Watched} flushes");
    }

    /// <summary>The proof is given back for the next flush, so it counts only where that had not begun after it was seen with the new epoch.</summary>
    private static void WatchProof(FreshDatapath kernel, EndpointTable table, uint slot, uint first, Action<uint> takeBack)
    {
        var givenBack = 0u;
        Watch(
            flush: round =>
            {
                takeBack(round);
                Volatile.Write(ref givenBack, round);
                table.Apply([s_pod], settle: 0);
            },
            epoch: () => Volatile.Read(ref kernel.Maps.IngressCache[slot].Epoch),
            isBehind: epoch => kernel.Maps.IngressCache[slot].Flags.HasFlag(EndpointFlags.Portless) && Volatile.Read(ref givenBack) < epoch - first);
    }

    private static EndpointTable Table(FreshDatapath kernel, out uint slot)
    {
        var table = new EndpointTable(kernel.Maps, static () => 1, static () => { });
        table.Apply([s_pod], settle: 0);
        slot = table.SlotOf(s_pod.Address)!.Value;
        return table;
    }

    /// <summary>Flushes until the second thread has seen enough of it.</summary>
    /// <param name="flush">Gets its number, from 1, by which the epoch has risen after it.</param>
    /// <param name="isBehind">Whether something that must come before this epoch is not there.</param>
    private static void Watch(Action<uint> flush, Func<uint> epoch, Func<uint, bool> isBehind)
    {
        RequireSecondCpu();
        var (seen, behind, done) = (0, 0, false);
        var watcher = new Thread(() =>
        {
            var last = epoch();
            while (!Volatile.Read(ref done))
            {
                var now = epoch();
                if (now != last)
                {
                    behind += isBehind(now) ? 1 : 0;
                    last = now;
                    Volatile.Write(ref seen, seen + 1);
                }
            }
        });
        watcher.Start();
        for (var round = 1u; round <= MostFlushes && Volatile.Read(ref seen) < Watched; round++)
        {
            flush(round);
        }

        Volatile.Write(ref done, true);
        watcher.Join();
        behind.ShouldBe(0, $"of {seen} flushes that were watched");
        seen.ShouldBeGreaterThan(0);
    }

    private static void RequireSecondCpu() => Assert.SkipUnless(Environment.ProcessorCount > 1, "needs two CPUs, to watch from the second");
}
