using OnCache.Lab.Overlay;
using OnCache.Lab.Policy;

namespace OnCache.Lab.Chaos;

/// <summary>A change of what verdicts depend on.</summary>
/// <param name="Written">Before it was written to the API.</param>
/// <param name="Visible">When the API had it.</param>
/// <param name="Node">The node whose agent alone watches the object; null when all do.</param>
/// <param name="Text">For a reader.</param>
internal sealed record Change(TimeSpan Written, TimeSpan Visible, string? Node, string Text);

/// <summary>The CNI's policy engine: brings the rules of all nodes to what the model says, and tells the oracle from when on they hold.</summary>
internal sealed class Enforcement(OverlayLab lab, EnforcerKind kind, Oracle oracle, ChaosLog log) : IDisposable
{
    private readonly SemaphoreSlim turn = new(1, 1);
    private readonly Lock sync = new();
    private readonly List<Change> pending = [];
    private ClusterModel model = ClusterModel.Empty;
    private IReadOnlySet<DenialKey> enforced = new HashSet<DenialKey>();

    public ClusterModel Model
    {
        get
        {
            lock (sync)
            {
                return model;
            }
        }
    }

    /// <summary>What the API holds changed. What it takes away is no reason any more to expect a connection to live.</summary>
    public void Update(Func<ClusterModel, ClusterModel> update, Change change)
    {
        lock (sync)
        {
            model = update(model);
            pending.Add(change);
        }

        foreach (var key in Model.Denials())
        {
            if (!enforced.Contains(key))
            {
                oracle.Touch(key, change.Written);
            }
        }
    }

    /// <summary>Puts what the model says now into force.</summary>
    public async Task ApplyAsync(CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            ClusterModel target;
            Change[] causes;
            lock (sync)
            {
                target = model;
                causes = [.. pending];
                pending.Clear();
            }

            if (causes.Length == 0)
            {
                return;
            }

            var wanted = target.Denials();
            foreach (var key in enforced.Where(key => !wanted.Contains(key)))
            {
                oracle.Allow(key, log.Now);
            }

            foreach (var node in lab.Nodes)
            {
                var rules = wanted
                    .Where(key => target.Judge(key).Pod.Node == node)
                    .Select(key => new DenyRule(
                        target.Pods[key.Source].Pod.Sandbox,
                        target.Pods[key.Destination].Pod.Sandbox,
                        key.Protocol,
                        key.Protocol == System.Net.Sockets.ProtocolType.Tcp ? ClusterModel.TcpPort : ClusterModel.UdpPort));
                await node.EnforceAsync(kind, [.. rules], cancellationToken);
            }

            var now = log.Now;
            var added = wanted.Where(key => !enforced.Contains(key)).ToArray();
            foreach (var key in added)
            {
                var node = target.Judge(key).Pod.Node.Name;
                oracle.Deny(new Denial(
                    key,
                    causes.Min(cause => cause.Written),
                    causes.Max(cause => cause.Visible),
                    now,
                    node,
                    causes.All(cause => cause.Node is null || cause.Node == node),
                    string.Join("; ", causes.Select(cause => cause.Text))));
            }

            log.Event($"enforced: {wanted.Count} denials, {added.Length} of them new, after {string.Join("; ", causes.Select(cause => cause.Text))}");
            enforced = wanted;
        }
        finally
        {
            turn.Release();
        }
    }

    public void Dispose() => turn.Dispose();
}
