using System.Diagnostics;
using OnCache.Lab.Bench.Results;
using OnCache.Lab.Bench.Running;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Demo;
using OnCache.Lab.Overlay;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Bench.Builds;

/// <summary>Two builds of the agent side by side, in the same rounds.</summary>
/// <remarks>
/// Each round has labs of its own: of two equal ones either is a percent or two faster for as long as both stand, which no number of slices
/// evens out, and the one that was made last is faster more often. So the rounds come in pairs, each build once the first and once the last.
/// </remarks>
internal sealed class BuildsBench(BuildsOptions options, DemoConsole screen)
{
    private readonly MeasurementTable table = new(options.Rounds, [Build.Base]);
    private readonly List<string> gaps = [];
    private readonly Cores cores = Cores.OfThisMachine();

    /// <exception cref="LabException">A lab or an agent did not come up.</exception>
    public async Task<BenchResult> RunAsync(CancellationToken cancellationToken)
    {
        options.Validate();
        OverlayLab.RequireRoot();
        var (began, clock, load) = (TimeProvider.System.GetUtcNow(), Stopwatch.GetTimestamp(), MachineFacts.LoadNow());
        screen.Step($"{options.Rounds} rounds of {options.ChosenRows.Count} rows, each with labs of its own");
        await screen.FollowAsync(options.Rounds, async step =>
        {
            for (var round = 1; round <= options.Rounds; round++)
            {
                await MeasureAsync(round, cancellationToken);
                step($"round {round}");
            }
        });
        return new BenchResult(
            BenchResult.CurrentSchema,
            "builds",
            began,
            Math.Round(Stopwatch.GetElapsedTime(clock).TotalSeconds, 1),
            options.Rounds,
            BuildsOptions.UsualSliceSeconds,
            await MachineFacts.ReadAsync(load, new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal), cancellationToken),
            new Dictionary<string, string>(StringComparer.Ordinal) { [Build.Base] = options.Base, [Build.This] = options.Agent },
            gaps,
            table.Measurements());
    }

    private async Task MeasureAsync(int round, CancellationToken cancellationToken)
    {
        string[] order = round % 2 == 1 ? [Build.Base, Build.This] : [Build.This, Build.Base];
        var stages = new List<(string Build, Stage Stage)>();
        try
        {
            foreach (var build in order)
            {
                stages.Add((build, await UpAsync(build, cancellationToken)));
            }

            foreach (var (_, stage) in stages)
            {
                await stage.WarmUpAsync(cores.Client, cancellationToken);
            }

            foreach (var row in options.ChosenRows)
            {
                await MeasureAsync(round, row, stages, cancellationToken);
            }
        }
        finally
        {
            foreach (var (_, stage) in stages)
            {
                await stage.DisposeAsync();
            }
        }
    }

    private Task<Stage> UpAsync(string build, CancellationToken cancellationToken) => Stage.UpAsync(
        [.. options.ChosenRows.Select(row => row.Variant).Distinct()],
        Setting.Usual.Mtu,
        build == Build.Base ? options.Base : options.Agent,
        (variant, exception) => throw new LabException($"{build}: variant {variant.Name}: {exception.Message}", exception),
        cancellationToken);

    private async Task MeasureAsync(int round, BuildRow row, List<(string Build, Stage Stage)> stages, CancellationToken cancellationToken)
    {
        var (old, current) = (stages.Single(one => one.Build == Build.Base).Stage, stages.Single(one => one.Build == Build.This).Stage);
        BenchLab[] labs = [PathOf(row, old).Lab, PathOf(row, current).Lab];
        IReadOnlyList<IReadOnlyList<ClientSlice>> slices;
        try
        {
            var before = await UseAsync(labs, cancellationToken);
            slices = InterleavedTraffic.Run([SideOf(row, old), SideOf(row, current)], BuildsOptions.Slices, row.SliceSeconds, BuildsOptions.WarmUpSeconds);
            var used = (await UseAsync(labs, cancellationToken)).Zip(before, (after, then) => after - then);
            if (row.IsFast && used.Select(use => use.Objection).FirstOrDefault(objection => objection is not null) is { } objection)
            {
                throw new LabException(objection);
            }
        }
        catch (LabException exception)
        {
            gaps.Add($"{row.Name}, round {round}: {exception.Message}");
            return;
        }

        // The machine is not equally fast throughout the round: only slices that follow each other are compared.
        var (was, now) = (slices[0].Select(slice => slice.MicrosecondsPerTransaction).ToArray(), slices[1].Select(slice => slice.MicrosecondsPerTransaction));
        var (time, ratio) = (Statistics.Median(was), Statistics.Median(now.Zip(was, (present, former) => present / former)));
        table.Add(round, row.Name, Build.Base, Figure.Time, time);
        table.Add(round, row.Name, Build.This, Figure.Time, time * ratio);
    }

    private static async Task<IReadOnlyList<FastPathUse>> UseAsync(BenchLab[] labs, CancellationToken cancellationToken)
    {
        var uses = new List<FastPathUse>();
        foreach (var lab in labs)
        {
            uses.Add(await lab.UseAsync(cancellationToken));
        }

        return uses;
    }

    private static BenchPath PathOf(BuildRow row, Stage stage) => stage.Paths.Single(path => path.Variant == row.Variant);

    private TrafficSide SideOf(BuildRow row, Stage stage)
    {
        var path = PathOf(row, stage);
        return new TrafficSide(path.Client.Namespace, TrafficMeter.RequestOf(path, row.Workload, cores));
    }
}
