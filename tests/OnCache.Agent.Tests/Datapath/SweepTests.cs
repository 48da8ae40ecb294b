using System.Diagnostics;
using System.Runtime.InteropServices;
using OnCache.Agent.Bpf;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Tests.Bpf;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>Memory is given back off the packet path and beside the event loop. Prints what it took.</summary>
public sealed partial class SweepTests(ITestOutputHelper output)
{
    private const int Flows = 1_000_000;
    private const int Attempts = 5;

    [Fact]
    public async Task A_million_void_verdicts_go_while_heartbeats_and_flushes_go_on()
    {
        using var kernel = new FreshDatapath(LoadedPrograms.Sizes with { Filter = 1 << 20 });
        using var cache = kernel.OpenMap(MapNames.FilterCache);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            Fill(cache.Value);
            var flushed = Stopwatch.GetTimestamp();
            Interlocked.Increment(ref kernel.Maps.Config[0].Epoch);
            var flush = Stopwatch.GetElapsedTime(flushed);

            var sweeping = Task.Run(() =>
            {
                var started = Stopwatch.GetTimestamp();
                return (Result: kernel.Datapath.SweepFilterCache(), Took: Stopwatch.GetElapsedTime(started));
            }, TestContext.Current.CancellationToken);
            var (turns, longest) = (0, TimeSpan.Zero);
            while (!sweeping.IsCompleted)
            {
                var began = Stopwatch.GetTimestamp();
                Turn(kernel.Maps);
                longest = new[] { longest, Stopwatch.GetElapsedTime(began) }.Max();
                turns++;
            }

            var (result, took) = await sweeping;
            output.WriteLine(
                $"{result.Purged} verdicts void after {flush.TotalMicroseconds:F1} us, swept in {took.TotalMilliseconds:F0} ms, "
                + $"meanwhile {turns} turns with a flush, the longest {longest.TotalMilliseconds:F2} ms");
            // The kernel spreads entries over its CPUs' lists, and drops some before the last place is taken.
            result.Purged.ShouldBeGreaterThan(Flows * 9ul / 10);
            result.Live.ShouldBe(0ul);
            kernel.Maps.FilterCache.Keys().ShouldBeEmpty();
            if (turns > 1)
            {
                return;
            }
        }

        Assert.Fail($"the loop did not turn during {Attempts} sweeps");
    }

    [Fact]
    public void What_stays_is_counted_as_its_pods_and_counts_that_had_gone_wrong_are_right_again()
    {
        using var kernel = new FreshDatapath();
        var (held, lease) = (kernel.Maps.Held, MonotonicClock.Now() + 600_000_000_000);
        kernel.Maps.Config[0].Epoch = 7;
        kernel.Maps.Config[0].TimeoutTcpEstablished = 60_000;
        kernel.Maps.Config[0].TimeoutTcpClosed = 10_000;
        kernel.Maps.IngressCache[1] = new IngressEntry { Epoch = 4, Since = 3, IfIndex = 11 };
        kernel.Maps.IngressCache[2] = new IngressEntry { Epoch = 5, Since = 5, IfIndex = 12 };
        var open = new FilterEntry { EgressLease = lease, Touched = MonotonicClock.Now(), Epoch = 7, Flags = EntryFlags.Portless | EntryFlags.Answered };
        Add(100, 5, new FilterEntry { EgressLease = lease, Epoch = 7, EndpointEpoch = 4, Endpoint = 1 });
        Add(200, 3, new FilterEntry { EgressLease = lease, Epoch = 7, EndpointEpoch = 5, Endpoint = 2 });
        Add(300, 2, new FilterEntry { EgressLease = lease, Epoch = 6, EndpointEpoch = 5, Endpoint = 2 });
        // Open and flushed: it stays for its FIN, and is its pod's. Not for longer than conntrack would keep it, nor when its pod has gone.
        Add(400, 1, open with { EndpointEpoch = 3, Endpoint = 1 });
        Add(500, 1, open with { EndpointEpoch = 3, Endpoint = 1, Touched = MonotonicClock.Now() - 61_000_000_000 });
        Add(600, 1, open with { EndpointEpoch = 4, Endpoint = 2 });
        // It has ended, and a SYN must find out: kept, and nobody's.
        Add(700, 1, open with { EndpointEpoch = 4, Endpoint = 2, Closing = Closing.BothFin });
        (held[0].Entries, held[1].Entries, held[2].Entries) = (1000, -7, 900);

        kernel.Datapath.SweepFilterCache().Purged.ShouldBe(4ul);

        (held[0].Entries, held[1].Entries, held[2].Entries).ShouldBe((10, 6, 3));
        kernel.Datapath.SweepFilterCache();
        (held[0].Entries, held[1].Entries, held[2].Entries).ShouldBe((10, 6, 3), "once more changes nothing");

        void Add(uint first, int flows, FilterEntry entry)
        {
            for (var i = 0; i < flows; i++)
            {
                kernel.Maps.FilterCache.Set(new FlowKey { LocalIp = first + (uint)i, Protocol = 17 }, entry);
            }
        }
    }

    /// <summary>What the event loop does for a pod that changed: a heartbeat, a flush, an index written.</summary>
    private static void Turn(DatapathMaps maps)
    {
        Volatile.Write(ref maps.Config[0].HeartbeatDeadline, MonotonicClock.Now());
        maps.EndpointIndex.Set(1, 1);
        Interlocked.Increment(ref maps.IngressCache[1].Epoch);
        maps.EndpointIndex.Remove(1).ShouldBeTrue();
    }

    private static unsafe void Fill(int map)
    {
        const int Batch = 50_000;
        var keys = new FlowKey[Batch];
        var values = new FilterEntry[Batch];
        var lease = MonotonicClock.Now() + 600_000_000_000;
        Array.Fill(values, new FilterEntry { EgressLease = lease, IngressLease = lease });
        for (var first = 0; first < Flows; first += Batch)
        {
            for (var i = 0; i < Batch; i++)
            {
                keys[i] = new FlowKey { LocalIp = (uint)(first + i), Protocol = 17 };
            }

            fixed (FlowKey* key = keys)
            fixed (FilterEntry* value = values)
            {
                uint count = Batch;
                BpfException.Check(bpf_map_update_batch(map, key, value, ref count, null), "fill the filter cache");
            }
        }
    }

    [LibraryImport("libbpf.so.1")]
    private static unsafe partial int bpf_map_update_batch(int fd, void* keys, void* values, ref uint count, void* options);
}
