using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net.NetworkInformation;
using OnCache.Lab.Bench.Results;
using OnCache.Lab.Bench.Running;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Demo;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Bench.Scale;

/// <summary>What a packet costs against the sizes of the caches, what they take of memory, and how fast flows are learned.</summary>
internal sealed class ScaleBench(ScaleOptions options, DemoConsole screen)
{
    private const int UsualFlows = 64_000;
    private const int FewFlows = 1_000;
    private const int PressedEntries = 65_536;
    private static readonly int[] FlowCounts = [1_000, 4_000, 16_000, 64_000, 250_000, 1_000_000, 4_000_000];
    private static readonly int[] NodeCounts = [1, 10, 100, 1_000, 5_000];
    private static readonly int[] PodCounts = [1, 10, 50, 110, 250];
    private static readonly int[] ExclusionCounts = [0, 1, 10, 100, 1_000];
    private static readonly int[] Pressures = [50, 100, 200, 400];
    private static readonly int[] Sizes = [1_024, 16_384, 65_536, 262_144, 1_048_576];
    private static readonly Figure EgressTime = new("pod_egress", "ns/run", MoreIsBetter: false);
    private static readonly Figure IngressTime = new("node_ingress", "ns/run", MoreIsBetter: false);
    private static readonly Figure EgressTimeFew = new("pod_egress-1000-in-use", "ns/run", MoreIsBetter: false);
    private static readonly Figure IngressTimeFew = new("node_ingress-1000-in-use", "ns/run", MoreIsBetter: false);
    private static readonly Figure LearningTime = new("pod_ingress_learn", "ns/run", MoreIsBetter: false);
    private static readonly Figure HitShare = new("hits", "share", MoreIsBetter: true, Compared: false);
    private static readonly Figure Memory = new("memory", "bytes", MoreIsBetter: false, Compared: false);
    private static readonly Figure Churn = new("learned", "connections/s", MoreIsBetter: true, Compared: false);

    // The first of each row is what the others are compared with.
    private readonly MeasurementTable table = new(options.Rounds, ["flows=1000", "nodes=1", "pods=1", "exclusions=0"]);
    private readonly int core = Cores.OfThisMachine().Client;

    /// <exception cref="LabException">A lab did not come up, or packets did not take the way that was to be measured.</exception>
    public async Task<BenchResult> RunAsync(CancellationToken cancellationToken)
    {
        options.Validate();
        OverlayLab.RequireRoot();
        var (began, clock, load) = (TimeProvider.System.GetUtcNow(), Stopwatch.GetTimestamp(), MachineFacts.LoadNow());

        // Some room: the kernel evicts a little before an LRU map is full.
        var most = Math.Max(options.Flows, UsualFlows);
        var offloads = await WithNodeAsync(most + (most / 5), false, SweepAsync, cancellationToken);
        _ = await WithNodeAsync(PressedEntries, true, PressAsync, cancellationToken);
        return new BenchResult(
            BenchResult.CurrentSchema,
            "scale",
            began,
            Math.Round(Stopwatch.GetElapsedTime(clock).TotalSeconds, 1),
            options.Rounds,
            0,
            await MachineFacts.ReadAsync(load, offloads, cancellationToken),
            new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["scale/flows"] = "cached flows; each packet is one of a random flow, of all of them or of a thousand",
                ["scale/nodes"] = $"remote nodes, {UsualFlows} flows spread over them",
                ["scale/pods"] = $"pods of the node, {UsualFlows} flows spread over them",
                ["scale/exclusions"] = "excluded prefixes; they are asked when a flow is learned, not on a hit",
                ["scale/pressure"] = $"flows of one pod in percent of the {PressedEntries} entries, of which one pod gets half",
                ["scale/memory"] = "entries of the filter cache, and the other caches as they are by default",
                ["scale/churn"] = "connections of one exchange, one after the other, each learned on both nodes",
            },
            [],
            table.Measurements());
    }

    private async Task<IReadOnlyDictionary<string, IReadOnlyList<string>>> WithNodeAsync(
        int entries, bool churn, Func<FrozenNode, DatapathProbe, CancellationToken, Task> measure, CancellationToken cancellationToken)
    {
        screen.Step(string.Create(CultureInfo.InvariantCulture, $"bringing up a lab with {entries} entries for flows"));
        var recipe = new LabRecipe("scale") { Agent = new AgentPolicy { Flows = entries }, Accelerates = true };
        await using var lab = await BenchLab.UpAsync(recipe, Setting.Usual.Mtu, options.Agent, cancellationToken);
        await using var path = await BenchPath.StartAsync(new Variant(recipe.Name, "", recipe), lab, cancellationToken);
        var offloads = await Offloads.DescribeAsync(lab.Overlay, cancellationToken);
        var nicMac = lab.Overlay.Nodes[0].Run(() => NetworkInterface.GetAllNetworkInterfaces().Single(nic => nic.Name == LabNames.Underlay).GetPhysicalAddress().GetAddressBytes());
        if (churn)
        {
            await ChurnAsync(path);
        }

        using var node = await FrozenNode.FreezeAsync(path, cancellationToken);
        await measure(node, new DatapathProbe(node, nicMac, options.Runs), cancellationToken);
        return offloads;
    }

    private async Task SweepAsync(FrozenNode node, DatapathProbe probe, CancellationToken cancellationToken)
    {
        var flows = FlowCounts.Where(count => count <= options.Flows).ToArray();
        for (var round = 1; round <= options.Rounds; round++)
        {
            screen.Step($"round {round}: flows, nodes, pods, exclusions");
            foreach (var count in flows)
            {
                Sample(node, probe, round, "flows", count, new FlowSet(node, count), flows.TakeWhile(other => other < count).LastOrDefault());
                await YieldAsync(cancellationToken);
            }

            new FlowSet(node, flows[^1]).Delete();
            foreach (var count in NodeCounts)
            {
                Sample(node, probe, round, "nodes", count, new FlowSet(node, UsualFlows, nodes: count));
                await YieldAsync(cancellationToken);
            }

            foreach (var count in PodCounts)
            {
                var set = new FlowSet(node, UsualFlows, pods: count);
                Sample(node, probe, round, "pods", count, set);
                set.Delete();
                await YieldAsync(cancellationToken);
            }

            Exclude(node, probe, round);
        }

        foreach (var size in Sizes)
        {
            using var map = node["filter_cache"].Resized(size);
            table.Add(1, "scale/memory", Name("entries", size), Memory, map.Memory());
        }

        foreach (var map in (string[])["egress_cache", "ingress_cache", "endpoint_counters"])
        {
            table.Add(1, "scale/memory", Name(map, node[map].MaxEntries), Memory, node[map].Memory());
        }
    }

    private void Sample(FrozenNode node, DatapathProbe probe, int round, string what, int count, FlowSet flows, int present = 0)
    {
        var random = new Random(round);
        flows.Write(present);
        (Figure Figure, Func<(double, double)> Run)[] samples =
        [
            (EgressTime, () => probe.RunEgress(flows, flows.Count, random)),
            (IngressTime, () => probe.RunIngress(flows, flows.Count, random)),
            (EgressTimeFew, () => probe.RunEgress(flows, FewFlows, random)),
            (IngressTimeFew, () => probe.RunIngress(flows, FewFlows, random)),
        ];
        foreach (var (figure, run) in samples)
        {
            var (nanoseconds, hits) = OnCore(node, run);
            table.Add(round, $"scale/{what}", Name(what, count), figure, hits > 0.99
                ? nanoseconds
                : throw new LabException(string.Create(CultureInfo.InvariantCulture, $"{what} {count}: only {hits:P1} of the packets were hits of {figure.Name}")));
        }
    }

    private void Exclude(FrozenNode node, DatapathProbe probe, int round)
    {
        const uint BesideThePeers = 0x0a80_0400;
        var flows = new FlowSet(node, UsualFlows);
        var prefixes = node["excluded_prefixes"];
        var keys = new List<byte>();
        foreach (var count in ExclusionCounts)
        {
            while (keys.Count < count * prefixes.KeySize)
            {
                var key = new byte[prefixes.KeySize];
                BinaryPrimitives.WriteInt32LittleEndian(key, 32);
                BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(4), BesideThePeers + (uint)(keys.Count / prefixes.KeySize));
                prefixes.Update(key, new byte[prefixes.ValueSize]);
                keys.AddRange(key);
            }

            // Learning deletes what stands under a key that conntrack does not vouch for: afterwards the flows are gone.
            flows.Write();
            var egress = OnCore(node, () => probe.RunEgress(flows, flows.Count, new Random(round)));
            table.Add(round, "scale/exclusions", Name("exclusions", count), EgressTime, egress.Nanoseconds);
            table.Add(round, "scale/exclusions", Name("exclusions", count), LearningTime, OnCore(node, () => probe.RunLearning(flows, new Random(round))));
        }

        prefixes.DeleteAll([.. keys]);
        flows.Delete();
    }

    private async Task PressAsync(FrozenNode node, DatapathProbe probe, CancellationToken cancellationToken)
    {
        for (var round = 1; round <= options.Rounds; round++)
        {
            screen.Step($"round {round}: more flows than entries");
            foreach (var percent in Pressures)
            {
                var flows = new FlowSet(node, (int)((long)PressedEntries * percent / 100));
                for (var i = 0; i < Math.Min(flows.Count, PressedEntries / 2); i++)
                {
                    flows.WriteOne(i);
                }

                var (nanoseconds, hits) = OnCore(node, () => probe.RunEgress(flows, flows.Count, new Random(round)));
                table.Add(round, "scale/pressure", Name("percent", percent), EgressTime, nanoseconds);
                table.Add(round, "scale/pressure", Name("percent", percent), HitShare, hits);
                flows.Delete();
                await YieldAsync(cancellationToken);
            }
        }
    }

    private async Task ChurnAsync(BenchPath path)
    {
        const double Seconds = 1;
        for (var round = 1; round <= options.Rounds; round++)
        {
            var request = new TrafficRequest
            {
                Kind = TrafficKind.TcpConnectRequestResponse,
                To = path.Address,
                Port = path.Traffic.Port,
                Seconds = Seconds,
                Core = core,
            };
            table.Add(round, "scale/churn", Name("cores", 1), Churn, (await ParallelTraffic.RunAsync(path.Client.Namespace, request, 1)).Rate);
        }
    }

    /// <summary>In the node's namespace, as the packets' devices are looked up there, and on one core.</summary>
    private T OnCore<T>(FrozenNode node, Func<T> work) => node.Node.Run(() =>
    {
        CoreUse.Pin(core);
        return work();
    });

    private static string Name(string what, int count) => string.Create(CultureInfo.InvariantCulture, $"{what}={count}");

    private static async Task YieldAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await Task.Yield();
    }
}
