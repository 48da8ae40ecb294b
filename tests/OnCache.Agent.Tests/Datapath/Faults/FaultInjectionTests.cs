using OnCache.Agent.Bpf;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Tests.Bpf;
using static OnCache.Agent.Tests.Datapath.Faults.NodeStage;

namespace OnCache.Agent.Tests.Datapath.Faults;

/// <summary>
/// Every step that the agent takes into the kernel is refused once, and the process dies before each once. What is left
/// must be safe as it stands, and the next agent must make it whole.
/// </summary>
public sealed class FaultInjectionTests
{
    private static readonly DatapathSizes s_sizes = LoadedPrograms.Sizes;
    // EPERM, EINTR, E2BIG, ENOMEM, EBUSY, EEXIST, ENODEV, EINVAL, ENOSPC, ENOBUFS.
    private static readonly int[] s_errnos = [1, 4, 7, 12, 16, 17, 19, 22, 28, 105];

    private static readonly DatapathSizes s_otherSizes = s_sizes with { Filter = 2 * s_sizes.Filter };

    public static TheoryData<bool, bool> Ways => new MatrixTheoryData<bool, bool>([true, false], [true, false]);

    [Theory]
    [MemberData(nameof(Ways))]
    public void The_first_start_may_fail_at_every_step(bool tcx, bool dies)
    {
        using var stage = new NodeStage(tcx);
        ForEachStep(dies, minimum: 25, steps =>
        {
            var started = Attempt(steps, () => stage.Start(steps, s_sizes).Dispose());
            MustBeSafe(stage, before: 0, steps);
            MustBeWholeAfterRestart(stage, s_sizes);
            stage.Uninstall();
            stage.Attached().ShouldNotContain(static program => program.IsOurs);
            Directory.Exists(stage.Pins.Root).ShouldBeFalse();
            return started;
        });
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_restart_may_fail_at_every_step(bool tcx, bool dies)
    {
        using var stage = new NodeStage(tcx);
        var before = Install(stage, s_sizes);
        ForEachStep(dies, minimum: 25, steps =>
        {
            var started = Attempt(steps, () => stage.Start(steps, s_sizes).Dispose());
            MustBeSafe(stage, before, steps);
            before = MustBeWholeAfterRestart(stage, s_sizes);
            return started;
        });
    }

    /// <summary>Other maps take the place of those in use, and whoever comes next wants either.</summary>
    [Theory]
    [InlineData(true, true, true)]
    [InlineData(true, true, false)]
    [InlineData(true, false, true)]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    [InlineData(false, false, true)]
    public void A_replacement_by_other_maps_may_fail_at_every_step(bool tcx, bool dies, bool goesBack)
    {
        using var stage = new NodeStage(tcx);
        var (present, wanted) = (s_sizes, s_otherSizes);
        var before = Install(stage, present);
        ForEachStep(dies, minimum: 35, steps =>
        {
            var started = Attempt(steps, () => stage.Start(steps, wanted).Dispose());
            MustBeSafe(stage, before, steps);
            (present, wanted) = goesBack ? (present, wanted) : (wanted, present);
            before = MustBeWholeAfterRestart(stage, present);
            return started;
        });
    }

    /// <summary>Caches of other sizes that cannot be had, or not be put to use, cost what runs nothing but what was cached.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_ran_takes_its_places_again_where_a_replacement_is_refused_at_any_step(bool tcx)
    {
        using var stage = new NodeStage(tcx);
        using var running = stage.Start(KernelSteps.Direct, s_sizes);
        ForEachStep(dies: false, minimum: 35, steps =>
        {
            running.Cache();
            var replaced = Attempt(steps, () => stage.Start(steps, s_otherSizes).Dispose());

            var resumed = stage.Resume(running.Datapath);

            MustBeWhole(stage, resumed);
            return replaced;
        });
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_change_may_fail_at_every_step(bool tcx, bool dies)
    {
        using var stage = new NodeStage(tcx);
        ForEachStep(dies, minimum: 8, steps =>
        {
            // Steps count from the change on.
            var late = new LateSteps(steps);
            using var agent = stage.Start(late, s_sizes);
            agent.Cache();
            var before = agent.Deadline;
            late.Begin();

            var changed = Attempt(steps, agent.Change);

            MustBeSafe(stage, before, steps);
            if (!changed)
            {
                agent.Deadline.ShouldBe(before, $"the heartbeat is not renewed where '{steps.Failed}' failed");
                agent.Datapath.HandOver();
                stage.Attached().Where(static program => program.IsOurs).ShouldAllBe(static program => !IsAlive(program));
            }
            else if (agent.Refused(SecondPod))
            {
                stage.Attached().ShouldNotContain(
                    static program => program.IsOurs && program.Device == SecondPod, $"half of the programs after '{steps.Failed}'");
            }

            agent.Dispose();
            MustBeWholeAfterRestart(stage, s_sizes);
            return changed;
        });
    }

    [Fact]
    public void A_flush_takes_no_step_that_could_fail()
    {
        using var stage = new NodeStage(tcx: false);
        var steps = new LateSteps(new FaultySteps(at: 1, dies: true));
        using var agent = stage.Start(steps, s_sizes);
        agent.Cache();
        steps.Begin();

        agent.Flush();

        stage.Attached().Where(static program => program.IsOurs).ShouldAllBe(static program => !IsUsable(program));
    }

    /// <summary>
    /// Runs <paramref name="attempt"/> without a fault, and then with one at each step that it has taken. Of steps alike that follow each other, such as the pins
    /// of all maps, at the first and at the last.
    /// </summary>
    /// <param name="minimum">Fewer steps would mean that something goes past the seam.</param>
    /// <param name="attempt">Returns whether the agent got through.</param>
    private static void ForEachStep(bool dies, int minimum, Func<FaultySteps, bool> attempt)
    {
        var whole = new FaultySteps(at: 0, dies);
        attempt(whole).ShouldBeTrue();
        whole.Count.ShouldBeGreaterThanOrEqualTo(minimum);
        string[] kinds = ["", .. whole.Names.Select(Kind), ""];
        for (var at = 1; at <= whole.Count; at++)
        {
            if (kinds[at] == kinds[at - 1] && kinds[at] == kinds[at + 1])
            {
                continue;
            }

            var steps = new FaultySteps(at, dies, s_errnos[at % s_errnos.Length]);
            var succeeded = attempt(steps);
            steps.Failed.ShouldNotBeNull($"step {at}, '{whole.Names[at - 1]}', was not taken");
            (dies && succeeded).ShouldBeFalse($"nobody survives '{steps.Failed}'");
        }
    }

    /// <summary>A step without what it is taken with.</summary>
    private static string Kind(string step) =>
        string.Join(' ', step.Split(' ').Where(static word => !word.Contains('/', StringComparison.Ordinal) && !MapNames.All.Contains(word, StringComparer.Ordinal)));

    /// <returns>Whether it came to its end.</returns>
    private static bool Attempt(FaultySteps steps, Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Exception failure) when (failure is ProcessDiedException || (failure is BpfException refused && refused.Errno == steps.Errno))
        {
            return false;
        }
    }

    /// <summary>An agent has worked here and cached a verdict; returns its heartbeat deadline.</summary>
    private static ulong Install(NodeStage stage, DatapathSizes sizes)
    {
        using var agent = stage.Start(KernelSteps.Direct, sizes);
        agent.Cache();
        stage.Attached().Where(static program => program.IsOurs).ShouldAllBe(static program => IsUsable(program), "the verdict is one");
        return agent.Deadline;
    }

    private static void MustBeSafe(NodeStage stage, ulong before, FaultySteps steps)
    {
        var where = $"after step {steps.Count}, '{steps.Failed}'";
        var folders = stage.PinnedMapIds();
        if (folders.TryGetValue(stage.Pins.Maps, out var inForce))
        {
            inForce.Count.ShouldBe(MapNames.All.Count, $"half a set is in force {where}");
        }

        foreach (var program in stage.Attached().Where(static program => program.IsOurs))
        {
            var pinned = folders.Values.Any(ids => program.Maps.All(map => ids.Contains(map.Value) || IsConstant(map.Key)));
            (pinned || !IsAlive(program)).ShouldBeTrue($"{program.Name} reads maps that nobody will find {where}");
            if (IsUsable(program))
            {
                Deadline(program).ShouldBe(before, $"{program.Name} uses a verdict of before under a new heartbeat {where}");
            }
        }

        MustLeaveOthersAlone(stage);
    }

    /// <summary>Leaves a cached verdict for the next attempt; returns the heartbeat deadline.</summary>
    private static ulong MustBeWholeAfterRestart(NodeStage stage, DatapathSizes sizes)
    {
        using var agent = stage.Start(KernelSteps.Direct, sizes);

        MustBeWhole(stage, agent);
        agent.Cache();
        return agent.Deadline;
    }

    /// <summary>All places are taken by this agent's programs over the one set of maps that is pinned, and what was cached is void.</summary>
    private static void MustBeWhole(NodeStage stage, NodeStage.AgentLife agent)
    {
        var ours = stage.Attached().Where(static program => program.IsOurs).ToList();
        (int, TcDirection, uint)[] wanted =
        [
            .. ProgramNames.OfNic.Select(item => (Nic, item.Direction, agent.Datapath.ProgramInfo(item.Program).Id)),
            .. ProgramNames.OfEndpoint.Select(item => (Pod, item.Direction, agent.Datapath.ProgramInfo(item.Program).Id)),
        ];
        ours.Select(static program => (program.Device, program.Direction, program.Id)).ShouldBe(wanted, ignoreOrder: true);
        var folders = stage.PinnedMapIds();
        folders.Keys.ShouldBe([stage.Pins.Maps]);
        var ids = folders[stage.Pins.Maps];
        ids.Count.ShouldBe(MapNames.All.Count);
        ours.ShouldAllBe(program => program.Maps.All(map => ids.Contains(map.Value) || IsConstant(map.Key)));
        ours.ShouldAllBe(static program => IsAlive(program) && !IsUsable(program));
        MustLeaveOthersAlone(stage);
    }

    private static void MustLeaveOthersAlone(NodeStage stage) =>
        stage.Attached().Count(static program => program.Name == ForeignProgram.Name)
            .ShouldBe(LoadedPrograms.RequireKernel().Tcx ? 6 : 0);

    /// <summary>The load options, which belong to the programs and are not pinned.</summary>
    private static bool IsConstant(string map) => map.Contains(".rodata", StringComparison.Ordinal);

    private static ulong Deadline(AttachedProgram program) => program.Read<uint, Config>(MapNames.Config, 0)!.Value.HeartbeatDeadline;

    private static bool IsAlive(AttachedProgram program) => Deadline(program) > MonotonicClock.Now();

    /// <summary>Would it send a packet of the cached flow on the fast path?</summary>
    private static bool IsUsable(AttachedProgram program)
    {
        var config = program.Read<uint, Config>(MapNames.Config, 0)!.Value;
        return program.Maps.ContainsKey(MapNames.FilterCache)
            && config.HeartbeatDeadline > MonotonicClock.Now()
            && program.Read<FlowKey, FilterEntry>(MapNames.FilterCache, Flow) is { } entry
            && entry.Epoch == config.Epoch
            && program.Read<uint, IngressEntry>(MapNames.IngressCache, entry.Endpoint) is { } endpoint
            && endpoint.IfIndex != 0
            && entry.EndpointEpoch == endpoint.Epoch;
    }

    /// <summary>Straight through until the part that is meant begins.</summary>
    private sealed class LateSteps(FaultySteps steps) : IKernelSteps
    {
        private bool _begun;

        public void Begin() => _begun = true;

        public int Try(string step, Func<int> call) => _begun ? steps.Try(step, call) : call();
    }
}
