using OnCache.Api;
using OnCache.Kubernetes.Models;
using OnCache.Operator.Compilation;
using OnCache.Operator.Peers;
using OnCache.Operator.Status;

namespace OnCache.Operator.Controllers;

/// <summary>
/// Compares what is with what should be. It remembers texts it has computed, and since which generation a node has its policies; otherwise its
/// answers depend on its arguments alone.
/// </summary>
internal sealed class ReconcilePlanner
{
    private readonly CanonicalText _text = new();

    // A signal changes a node's object and none of its policies.
    private readonly CanonicalText _policies = new(without: "peerSignal");
    private readonly PolicyGenerations _generations = new();

    /// <summary>Plans.</summary>
    /// <param name="view">What is.</param>
    /// <param name="obstacles">By node, why its configuration could not be written last time.</param>
    /// <param name="signals">What nodes are to be told of pods elsewhere.</param>
    /// <param name="now">The time.</param>
    public ReconcilePlan Plan(ClusterView view, IReadOnlyDictionary<string, string> obstacles, SignalBatch signals, DateTimeOffset now)
    {
        var nodes = view.Nodes.ToDictionary(node => node.Metadata.Name!, StringComparer.Ordinal);
        var configs = view.Configs.ToDictionary(config => config.Metadata.Name!, StringComparer.Ordinal);
        var staying = view.Policies.Where(policy => policy.Metadata.DeletionTimestamp is null).ToArray();
        var compiled = PolicyCompiler.Compile(staying.Select(Policy), nodes.Values.Select(Node));
        var reports = Reports(compiled, configs, obstacles);
        _generations.Keep(compiled.Nodes.Keys);

        return new ReconcilePlan
        {
            Release = [.. view.Policies.Where(IsHeld)],
            Apply =
            [
                .. compiled.Nodes
                    .Where(pair => !reports[pair.Key].InStep || signals.Due.Contains(pair.Key) || !IsOwned(configs.GetValueOrDefault(pair.Key), nodes[pair.Key]))
                    .OrderBy(pair => pair.Key, StringComparer.Ordinal)
                    .Select(pair => Config(nodes[pair.Key], configs.GetValueOrDefault(pair.Key)?.Metadata.Uid, pair.Value with
                    {
                        PeerSignal = signals.For(pair.Key, configs.GetValueOrDefault(pair.Key)?.Spec.PeerSignal),
                    })),
            ],
            Delete = [.. configs.Values.Where(config => config.Metadata.DeletionTimestamp is null && !compiled.Nodes.ContainsKey(config.Metadata.Name!))],
            Statuses = [.. staying.Select(policy => Status(policy, compiled, reports, now)).OfType<StatusChange>()],
        };
    }

    internal static ClusterPolicy Policy(V1Alpha1OverlayCachePolicy policy) => new(
        policy.Metadata.Name!,
        policy.Metadata.Generation ?? 0,
        policy.Metadata.CreationTimestamp ?? DateTimeOffset.MaxValue,
        policy.Spec);

    internal static ClusterNode Node(V1Node node) => new(node.Metadata.Name!, node.Metadata.Labels ?? new Dictionary<string, string>(StringComparer.Ordinal));

    private static V1Alpha1NodeCacheConfig Config(V1Node node, string? uid, NodeCacheConfigSpec spec) => new()
    {
        Metadata = new V1ObjectMeta
        {
            Name = node.Metadata.Name,
            Uid = uid,
            OwnerReferences = [new V1OwnerReference { ApiVersion = "v1", Kind = "Node", Name = node.Metadata.Name!, Uid = node.Metadata.Uid! }],
        },
        Spec = spec,
    };

    private static bool IsHeld(V1Alpha1OverlayCachePolicy policy) =>
        policy.Metadata.Finalizers?.Contains(ApiGroup.FlushFinalizer, StringComparer.Ordinal) == true;

    // A node that came back under its old name is another one, and its predecessor's configuration would be collected with the predecessor.
    private static bool IsOwned(V1Alpha1NodeCacheConfig? config, V1Node node) =>
        config?.Metadata.OwnerReferences?.Any(owner => string.Equals(owner.Uid, node.Metadata.Uid, StringComparison.Ordinal)) == true;

    private Dictionary<string, NodeReport> Reports(
        CompiledCluster compiled,
        Dictionary<string, V1Alpha1NodeCacheConfig> configs,
        IReadOnlyDictionary<string, string> obstacles) =>
        compiled.Nodes.ToDictionary(
            pair => pair.Key,
            pair => Report(pair.Key, pair.Value, configs.GetValueOrDefault(pair.Key)) with { Obstacle = obstacles.GetValueOrDefault(pair.Key) },
            StringComparer.Ordinal);

    private NodeReport Report(string node, NodeCacheConfigSpec wanted, V1Alpha1NodeCacheConfig? config) =>
        config is { Metadata.DeletionTimestamp: null }
            ? new NodeReport(
                node,
                _policies.Of(config.Spec) == _policies.Of(wanted),
                _generations.Since(node, config.Metadata, _policies.Of(config.Spec)),
                config.Status)
            : new NodeReport(node, InStep: false, 0, Status: null);

    private StatusChange? Status(
        V1Alpha1OverlayCachePolicy policy,
        CompiledCluster compiled,
        IReadOnlyDictionary<string, NodeReport> reports,
        DateTimeOffset now)
    {
        var status = StatusAggregator.Aggregate(compiled.Policies[policy.Metadata.Name!], reports, policy.Status, now);
        return policy.Status is { } before && _text.Of(before) == _text.Of(status) ? null : new StatusChange(policy, status);
    }
}
