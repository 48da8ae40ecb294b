using System.Diagnostics;
using OnCache.Lab.Bench.Results;
using OnCache.Lab.Bench.Running;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Demo;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Bench.Lease;

/// <summary>What a lease costs: a busy flow, many slow ones, short connections, under each lease by turns.</summary>
/// <remarks>
/// Of two equal labs either is a percent or two faster for as long as both stand, and the one that was made last more often. So there are two
/// passes with labs of their own, made in opposite orders, the plain one last in both, and a sample is the geometric mean of both.
/// A core has not the time for the slow flows of all leases: they come in groups, each with those of the first lease.
/// </remarks>
internal sealed class LeaseBench(LeaseOptions options, DemoConsole screen)
{
    public const string BusyFlow = "busy-flow";
    public const string ManySlowFlows = "slow-flows";
    public const string ShortConnections = "short-connections";
    private const double SliceSeconds = 0.006;
    private const double WarmUpSeconds = 0.2;
    private const int Passes = 2;

    /// <summary>Of leases in a group of slow flows, beside the first.</summary>
    private const int GroupSize = 2;

    /// <summary>Packets that a node gave to the CNI, of all of the flows that it accelerates. A packet from pod to pod counts at both nodes.</summary>
    private static readonly Figure s_cniShare = new("cni-share", "per million", MoreIsBetter: false, Compared: false);

    /// <summary>The same by time.</summary>
    private static readonly Figure s_cniRate = new("cni-packets", "1/s", MoreIsBetter: false, Compared: false);

    private readonly MeasurementTable table = new(options.Seconds * GroupsOf(options.Leases).Count, [NameOf(options.Leases[0])]);
    private readonly Dictionary<(string Workload, int Group, string Variant), double[]> firstPass = [];
    private readonly List<string> gaps = [];
    private readonly Cores cores = Cores.OfThisMachine();

    /// <exception cref="LabException">A lab or an agent did not come up.</exception>
    public async Task<BenchResult> RunAsync(CancellationToken cancellationToken)
    {
        options.Validate();
        OverlayLab.RequireRoot();
        var (began, clock, load) = (TimeProvider.System.GetUtcNow(), Stopwatch.GetTimestamp(), MachineFacts.LoadNow());
        for (var pass = 1; pass <= Passes; pass++)
        {
            await WithLabsAsync(pass, unrestricted: false, paths =>
            {
                Measure(BusyFlow, pass, 0, paths, edge => Interleave(paths, WorkloadKind.TcpRequestResponse, edge));
                foreach (var (index, group) in GroupsOf(options.Leases).Index())
                {
                    var grouped = paths.Where(path => group.Any(lease => path.Variant.Name == NameOf(lease))).ToArray();
                    Measure(ManySlowFlows, pass, index, grouped, edge => RunSlow(grouped, edge));
                }
            }, cancellationToken);
            await WithLabsAsync(pass, unrestricted: true, paths =>
                Measure(ShortConnections, pass, 0, paths, edge => Interleave(paths, WorkloadKind.TcpConnectRequestResponse, edge)), cancellationToken);
        }

        return new BenchResult(
            BenchResult.CurrentSchema,
            "lease",
            began,
            Math.Round(Stopwatch.GetElapsedTime(clock).TotalSeconds, 1),
            options.Seconds,
            SliceSeconds,
            await MachineFacts.ReadAsync(load, new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal), cancellationToken),
            VariantsOf(options.Leases, unrestricted: false).ToDictionary(variant => variant.Name, variant => variant.Meaning, StringComparer.Ordinal),
            gaps,
            table.Measurements());
    }

    /// <summary>As the variant is called for which a lease is measured.</summary>
    internal static string NameOf(int lease) => FormattableString.Invariant($"lease={lease}");

    /// <summary>The first lease with some of the others each.</summary>
    internal static IReadOnlyList<int[]> GroupsOf(IReadOnlyList<int> leases) => [.. leases.Skip(1).Chunk(GroupSize).Select(group => (int[])[leases[0], .. group])];

    private static Variant[] VariantsOf(IEnumerable<int> leases, bool unrestricted) =>
    [
        .. leases.Select(lease => new Variant(
            NameOf(lease),
            FormattableString.Invariant($"OnCache with a lease of {lease} s"),
            new LabRecipe(NameOf(lease)) { Agent = new AgentPolicy { LeaseSeconds = lease, Unrestricted = unrestricted }, Accelerates = true })),
        Variant.All.Single(variant => variant.Name == Variant.Overlay),
    ];

    private async Task WithLabsAsync(int pass, bool unrestricted, Action<IReadOnlyList<BenchPath>> measure, CancellationToken cancellationToken)
    {
        screen.Step($"pass {pass}: bringing up the labs");
        await using var stage = await Stage.UpAsync(
            VariantsOf(pass == 1 ? options.Leases : options.Leases.Reverse(), unrestricted),
            Setting.Usual.Mtu,
            options.Agent,
            (variant, exception) => throw new LabException($"{variant.Name}: {exception.Message}", exception),
            cancellationToken);
        await stage.WarmUpAsync(cores.Client, cancellationToken);
        measure(stage.Paths);
    }

    /// <param name="run">Calls its argument where counting begins and ends; gives, by path and for each second, the time of an operation in microseconds.</param>
    private void Measure(string workload, int pass, int group, IReadOnlyList<BenchPath> paths, Func<Action, IReadOnlyList<double[]>> run)
    {
        screen.Step($"pass {pass}: {workload} {string.Join(' ', paths.Select(path => path.Variant.Name))}");
        var edges = new List<(long Moment, FastPathUse[] Uses)>();
        IReadOnlyList<double[]> times;
        try
        {
            times = run(() => edges.Add((Stopwatch.GetTimestamp(), UsesOf(paths))));
        }
        catch (LabException exception)
        {
            gaps.Add($"{workload}, pass {pass}: {exception.Message}");
            return;
        }

        var seconds = Stopwatch.GetElapsedTime(edges[0].Moment, edges[1].Moment).TotalSeconds;
        foreach (var (index, path) in paths.Index())
        {
            Record(workload, pass, group, path.Variant.Name, times[index]);
            if (path.Lab.Recipe.Accelerates)
            {
                var (round, use) = ((group * options.Seconds) + pass, edges[1].Uses[index] - edges[0].Uses[index]);
                table.Add(round, workload, path.Variant.Name, s_cniShare, 1e6 * (1 - use.Ratio));
                table.Add(round, workload, path.Variant.Name, s_cniRate, use.Misses / seconds);
            }
        }
    }

    private void Record(string workload, int pass, int group, string variant, double[] times)
    {
        if (pass == 1)
        {
            firstPass.Add((workload, group, variant), times);
        }
        else if (firstPass.TryGetValue((workload, group, variant), out var former))
        {
            for (var second = 0; second < times.Length; second++)
            {
                table.Add((group * options.Seconds) + second + 1, workload, variant, Figure.Time, Math.Sqrt(former[second] * times[second]));
            }
        }
    }

    /// <summary>Means, not medians, over each second: what a lease costs lies in few slices.</summary>
    private List<double[]> Interleave(IReadOnlyList<BenchPath> paths, WorkloadKind kind, Action edge)
    {
        var perSecond = Math.Max(1, (int)(1 / (SliceSeconds * paths.Count)));
        var workload = new Workload("", kind, Setting.Usual);
        return
        [
            .. InterleavedTraffic.Run(
                [.. paths.Select(path => new TrafficSide(path.Client.Namespace, TrafficMeter.RequestOf(path, workload, cores)))],
                options.Seconds * perSecond,
                SliceSeconds,
                WarmUpSeconds,
                edge)
                .Select(slices => slices
                    .Chunk(perSecond)
                    .Select(second => second.Sum(slice => slice.Elapsed.TotalMicroseconds) / second.Sum(slice => slice.Transactions))
                    .ToArray()),
        ];
    }

    private IReadOnlyList<double[]> RunSlow(IReadOnlyList<BenchPath> paths, Action edge)
    {
        var flows = new List<SlowFlows>();
        try
        {
            flows.AddRange(paths.Select(path => new SlowFlows(path, options.Flows)));
            return SlowTraffic.Run(flows, cores.Client, options.Leases.Max(), options.Seconds, edge);
        }
        finally
        {
            flows.ForEach(path => path.Dispose());
        }
    }

    // Called by the thread that makes the traffic: nothing passes meanwhile.
    private static FastPathUse[] UsesOf(IReadOnlyList<BenchPath> paths) =>
        [.. paths.Select(path => path.Lab.UseAsync(CancellationToken.None).GetAwaiter().GetResult())];
}
