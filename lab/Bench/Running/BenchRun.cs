using System.Diagnostics;
using OnCache.Lab.Bench.Applications;
using OnCache.Lab.Bench.Kernel;
using OnCache.Lab.Bench.Results;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Demo;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Bench.Running;

/// <summary>Runs a suite: all variants side by side, slice by slice in turn, and reduces what they gave.</summary>
internal sealed class BenchRun(BenchOptions options, DemoConsole screen)
{
    // A pair that fails again and again would cost minutes of timeouts.
    private const int MostFailures = 2;

    // Figures of the programs need no long slices: 0.1 s are thousands of runs.
    private const double ProfileSeconds = 0.1;

    // The tools of applications take a second at least; two rounds say enough of the programs then.
    private const int ProfiledApplicationRounds = 2;

    private readonly List<string> gaps = [];
    private readonly Dictionary<(string Workload, string Variant), int> failures = [];
    private readonly MeasurementTable table = new(options.RoundCount, Variant.Baselines);
    private readonly Cores cores = Cores.OfThisMachine();
    private IReadOnlyDictionary<string, IReadOnlyList<string>> offloads = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);

    /// <exception cref="LabException">A lab did not come up, or nothing could be measured.</exception>
    public async Task<BenchResult> RunAsync(CancellationToken cancellationToken)
    {
        options.Validate();
        OverlayLab.RequireRoot();
        var (began, clock, load) = (TimeProvider.System.GetUtcNow(), Stopwatch.GetTimestamp(), MachineFacts.LoadNow());
        foreach (var group in Feasible().GroupBy(workload => workload.Setting.Mtu))
        {
            await RunStageAsync(group.Key, [.. group], cancellationToken);
        }

        var measurements = table.Measurements();
        return measurements.Count == 0
            ? throw new LabException($"nothing could be measured: {string.Join("; ", gaps)}")
            : new BenchResult(
                BenchResult.CurrentSchema,
                options.Suite.Name,
                began,
                Math.Round(Stopwatch.GetElapsedTime(clock).TotalSeconds, 1),
                options.RoundCount,
                options.SliceSeconds,
                await MachineFacts.ReadAsync(load, offloads, cancellationToken),
                options.ChosenVariants.ToDictionary(variant => variant.Name, variant => variant.Meaning, StringComparer.Ordinal),
                gaps,
                measurements);
    }

    private IEnumerable<Workload> Feasible()
    {
        if (cores.Server is null && options.ChosenWorkloads.Any(workload => workload.Setting.Placement == Placement.CrossCore))
        {
            Gap("cross-core workloads: left out, as this machine has one core");
        }

        foreach (var workload in options.ChosenWorkloads)
        {
            if (ApplicationServers.Lack(workload.Kind) is { } lack)
            {
                Gap($"{workload.Id}: {lack}");
            }
        }

        return options.ChosenWorkloads.Where(
            workload => ApplicationServers.Lack(workload.Kind) is null && (cores.Server is not null || workload.Setting.Placement != Placement.CrossCore));
    }

    private async Task RunStageAsync(int mtu, IReadOnlyList<Workload> workloads, CancellationToken cancellationToken)
    {
        screen.Step($"MTU {mtu}: bringing up the labs of {options.ChosenVariants.Count} variants");
        await using var stage = await Stage.UpAsync(
            options.ChosenVariants, mtu, options.Agent, (variant, exception) => Gap($"{variant.Name} at MTU {mtu}: {exception.Message}"), cancellationToken);
        if (offloads.Count == 0)
        {
            offloads = await Offloads.DescribeAsync(stage.Paths[0].Lab.Overlay, cancellationToken);
        }

        await stage.WarmUpAsync(cores.Client, cancellationToken);
        await using var applications = new ApplicationServers();
        foreach (var group in workloads.GroupBy(workload => workload.Setting.Offloads))
        {
            await stage.SwitchOffloadsAsync(group.Key, cancellationToken);
            await MeasureAsync(stage, applications, mtu, group.Key, [.. group], cancellationToken);
        }
    }

    private async Task MeasureAsync(
        Stage stage, ApplicationServers applications, int mtu, bool offloaded, IReadOnlyList<Workload> workloads, CancellationToken cancellationToken)
    {
        var slices = Schedule.Interleave(workloads, stage.Paths, options.RoundCount).ToArray();
        screen.Step(FormattableString.Invariant(
            $"MTU {mtu}, offloads {(offloaded ? "on" : "off")}: {options.RoundCount} rounds of {slices.Length / options.RoundCount} slices of {options.SliceSeconds:F2} s"));
        await screen.FollowAsync(slices.Length, async step =>
        {
            foreach (var (round, workload, path) in slices)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await MeasureAsync(round, workload, path, applications, cancellationToken);
                step($"round {round}: {workload.Id} {path.Variant.Name}");
                await Task.Yield();
            }
        });
    }

    private async Task MeasureAsync(int round, Workload workload, BenchPath path, ApplicationServers applications, CancellationToken cancellationToken)
    {
        var pair = (workload.Id, path.Variant.Name);
        if (failures.GetValueOrDefault(pair) >= MostFailures)
        {
            return;
        }

        try
        {
            var slice = await SliceAsync(workload, path, applications, options.SliceSeconds, cancellationToken);
            foreach (var (figure, value) in slice.Figures)
            {
                table.Add(round, workload.Id, path.Variant.Name, figure, value);
            }

            if (path.Lab.Recipe is { Agent: not null } or { Flowtable: not null }
                && (round <= ProfiledApplicationRounds || !ApplicationServers.Has(workload.Kind)))
            {
                await ProfileAsync(round, workload, path, applications, cancellationToken);
            }
        }
        catch (LabException exception)
        {
            failures[pair] = failures.GetValueOrDefault(pair) + 1;
            Gap($"{workload.Id} on {path.Variant.Name}, round {round}: {exception.Message}");
        }
    }

    /// <summary>A slice of its own, as counting costs time: what the programs took, and which path the packets did.</summary>
    private async Task ProfileAsync(int round, Workload workload, BenchPath path, ApplicationServers applications, CancellationToken cancellationToken)
    {
        var forwarded = await path.Lab.ForwardedAsync(cancellationToken);
        var use = await path.Lab.UseAsync(cancellationToken);
        var times = path.Lab.ProgramTimes();
        SliceResult slice;
        using (ProgramClock.Start())
        {
            slice = await SliceAsync(workload, path, applications, ProfileSeconds, cancellationToken);
        }

        foreach (var (program, time) in path.Lab.ProgramTimes())
        {
            var spent = time - times.GetValueOrDefault(program);
            if (spent.Runs > 0)
            {
                table.Add(round, workload.Id, path.Variant.Name, Figure.ProgramTime(program), (double)spent.Nanoseconds / spent.Runs);
            }
        }

        var used = await path.Lab.UseAsync(cancellationToken) - use;
        if (used.Hits + used.Misses > 0)
        {
            table.Add(round, workload.Id, path.Variant.Name, Figure.HitRatio, used.Ratio);
        }

        if (forwarded is { } then && await path.Lab.ForwardedAsync(cancellationToken) is { } now && slice.Operations > 0)
        {
            table.Add(round, workload.Id, path.Variant.Name, Figure.Forwarded, (now - then) / slice.OperationsWithWarmUp);
        }
    }

    private Task<SliceResult> SliceAsync(
        Workload workload, BenchPath path, ApplicationServers applications, double seconds, CancellationToken cancellationToken) =>
        ApplicationServers.Has(workload.Kind)
            ? applications.MeasureAsync(path, workload, seconds, cores.Client, cancellationToken)
            : TrafficMeter.MeasureAsync(path, workload, seconds, cores);

    private void Gap(string line)
    {
        gaps.Add(line);
        screen.Say($"not measured: {line}");
    }
}
