using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Bench.Running;

/// <summary>All variants side by side at one MTU.</summary>
internal sealed class Stage : IAsyncDisposable
{
    private readonly List<BenchLab> labs = [];
    private readonly List<BenchPath> paths = [];

    private Stage()
    {
    }

    public IReadOnlyList<BenchPath> Paths => paths;

    /// <summary>Brings the labs up. A variant whose lab cannot be made is reported and left out.</summary>
    /// <exception cref="LabException">None could be made.</exception>
    public static async Task<Stage> UpAsync(
        IReadOnlyList<Variant> variants, int mtu, string agent, Action<Variant, LabException> failed, CancellationToken cancellationToken)
    {
        var stage = new Stage();
        try
        {
            foreach (var variant in variants)
            {
                try
                {
                    await stage.AddAsync(variant, mtu, agent, cancellationToken);
                }
                catch (LabException exception)
                {
                    failed(variant, exception);
                }
            }

            return stage.paths.Count > 0 ? stage : throw new LabException("no variant could be brought up");
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    public async Task SwitchOffloadsAsync(bool on, CancellationToken cancellationToken)
    {
        foreach (var lab in labs)
        {
            await Offloads.SwitchAsync(lab.Overlay, on, cancellationToken);
        }
    }

    /// <summary>Waits until both nodes of the accelerating variants use the fast path.</summary>
    /// <exception cref="LabException">One does not.</exception>
    public async Task WarmUpAsync(int core, CancellationToken cancellationToken)
    {
        foreach (var path in paths.Where(path => path.Variant.Recipe.Accelerates))
        {
            await path.Lab.WarmUpAsync(() => ParallelTraffic.RunAsync(path.Client.Namespace, WarmUpRequest(path, core), 1), cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var path in paths)
        {
            await path.DisposeAsync();
        }

        foreach (var lab in labs)
        {
            await lab.DisposeAsync();
        }
    }

    private static TrafficRequest WarmUpRequest(BenchPath path, int core) => new()
    {
        Kind = TrafficKind.TcpRequestResponse,
        To = path.Address,
        Port = path.Traffic.Port,
        Seconds = 0.1,
        Core = core,
    };

    private async Task AddAsync(Variant variant, int mtu, string agent, CancellationToken cancellationToken)
    {
        var lab = labs.Find(candidate => candidate.Recipe == variant.Recipe);
        if (lab is null)
        {
            labs.Add(lab = await BenchLab.UpAsync(variant.Recipe, mtu, agent, cancellationToken));
        }

        paths.Add(await BenchPath.StartAsync(variant, lab, cancellationToken));
    }
}
