using System.Diagnostics;
using OnCache.Kubernetes.Entities;
using OnCache.Lab.Api;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Bench.Coherence;

/// <summary>Two nodes under a real API: many pods on one, of which the first holds the observed flow with the only pod of the other.</summary>
internal sealed class CoherenceBed : IAsyncDisposable
{
    public const string Home = "default";

    /// <summary>How long learning is held after an event: enough to see the flow away from the fast path.</summary>
    public static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(5);
    private readonly ApiLab lab;
    private readonly CoherenceOptions options;
    // What a policy may ask for.
    private const int LargestCache = 4_194_304;

    private readonly PinnedFilterCache cache;

    private CoherenceBed(ApiLab lab, CoherenceOptions options, ApiPod affected, LabPod server, PinnedFilterCache cache, ObservedFlow flow)
    {
        this.lab = lab;
        this.options = options;
        this.cache = cache;
        Affected = affected;
        Server = server;
        Flow = flow;
    }

    public ApiLab Lab => lab;

    public ApiAgent Agent => lab.Agents[0];

    public LabNode Node => Agent.Node;

    /// <summary>The labels of the pod that events are about, and of no other.</summary>
    public static IReadOnlyDictionary<string, string> Labels { get; } = new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = "affected" };

    /// <summary>The present object of the pod that events are about.</summary>
    public ApiPod Affected { get; set; }

    public LabPod Server { get; }

    public ObservedFlow Flow { get; }

    public static async Task<CoherenceBed> UpAsync(CoherenceOptions options, int pods, CancellationToken cancellationToken)
    {
        // The least power of two that holds them all with room for what is measured: a pod learns while it holds fewer entries than are free.
        var held = options.Flows + (options.Flows / pods);
        var room = Math.Clamp((int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(held * 65L / 64)), 65_536, LargestCache);
        var api = await ApiLab.UpAsync(
            new ApiLabOptions
            {
                Agent = options.Agent,
                Operator = options.Operator,
                Definitions = options.Definitions,
                Lease = TimeSpan.FromMinutes(10),
                Settle = Settle,
                FilterCache = room,
            },
            cancellationToken: cancellationToken);
        PinnedFilterCache? filter = null;
        ObservedFlow? observed = null;
        try
        {
            var (here, there) = (api.Overlay.Nodes[0], api.Overlay.Nodes[1]);
            var server = await api.Pods.CreateAsync(there, new NamespacedName(Home, "server"), Other(0), cancellationToken);
            var affected = await api.Pods.CreateAsync(here, new NamespacedName(Home, "affected-0"), Labels, cancellationToken);
            for (var i = 1; i < pods; i++)
            {
                await api.Pods.CreateAsync(here, new NamespacedName(Home, $"other-{i}"), Other(i), cancellationToken);
            }

            filter = PinnedFilterCache.Open(here);
            observed = ObservedFlow.Start(affected.Sandbox, server.Sandbox, options.Rate);
            return new CoherenceBed(api, options, affected, server.Sandbox, filter, observed);
        }
        catch
        {
            observed?.Dispose();
            filter?.Dispose();
            await api.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until the observed flow, and its answers, are on the fast path.</summary>
    /// <exception cref="LabException">They did not come there.</exception>
    public Task WaitFastAsync(CancellationToken cancellationToken) => WaitAsync(
        () =>
        {
            // Of the last ones the answers are still to come.
            var seen = Flow.SeenUntil;
            var recent = Flow.Between(seen - (Stopwatch.Frequency / 20), seen - (Stopwatch.Frequency / 100)).ToList();
            return recent.Count >= 10 && recent.TrueForAll(static packet => packet.IsFast);
        },
        "the observed flow on the fast path",
        cancellationToken);

    /// <summary>Waits until a condition holds.</summary>
    public static async Task WaitAsync(Func<bool> condition, string what, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(started) > Liveness.Limit)
            {
                throw new LabException($"bench coherence: waited {Liveness.Limit.TotalSeconds} s for {what}");
            }

            await Task.Delay(Poll, cancellationToken);
        }
    }

    /// <summary>Fills the cache up to the number of flows asked for: each pod's own verdict, as real traffic got it, for further flows.</summary>
    public async Task FillAsync(CancellationToken cancellationToken)
    {
        var local = Node.Pods;
        foreach (var pod in local)
        {
            cache.Copy(await VerdictAsync(pod, cancellationToken), pod.Address, Server.Address, options.Flows / local.Count);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Flow.Dispose();
        cache.Dispose();
        await lab.DisposeAsync();
    }

    private static Dictionary<string, string> Other(int index) => new(StringComparer.Ordinal) { ["app"] = $"other-{index}" };

    private async Task<byte[]> VerdictAsync(LabPod pod, CancellationToken cancellationToken)
    {
        byte[]? found = null;
        if (pod == Affected.Sandbox)
        {
            await WaitAsync(() => (found = cache.Verdict(Flow.Client, Flow.Server)) is not null, "a verdict of the observed flow", cancellationToken);
            return found!;
        }

        using var exchange = new PodExchange(pod, Server);
        await WaitAsync(
            () =>
            {
                exchange.Once();
                return (found = cache.Verdict(exchange.Client, exchange.Server)) is not null;
            },
            $"a verdict of {pod.Name}",
            cancellationToken);
        return found!;
    }
}
