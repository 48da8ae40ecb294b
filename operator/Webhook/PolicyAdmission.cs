using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using OnCache.Api;
using OnCache.Kubernetes.Serialization;
using OnCache.Operator.Compilation;
using OnCache.Operator.Validation;

namespace OnCache.Operator.Webhook;

/// <summary>Judges a policy before it is stored. A pure function.</summary>
internal static class PolicyAdmission
{
    /// <summary>Judges.</summary>
    /// <param name="request">What is to be stored.</param>
    /// <param name="others">The policies that are there.</param>
    /// <param name="nodes">The nodes that are there.</param>
    /// <param name="reports">What their agents have reported, by node.</param>
    public static AdmissionVerdict Judge(
        AdmissionRequest request,
        IEnumerable<ClusterPolicy> others,
        IReadOnlyCollection<ClusterNode> nodes,
        IReadOnlyDictionary<string, NodeCacheConfigStatus> reports)
    {
        // What is stored already must stay deletable and its finalizers changeable, also when a rule came later.
        if (request.Object is not { } policy || (request.OldObject is { } old && JsonNode.DeepEquals(old["spec"], policy["spec"])))
        {
            return AdmissionVerdict.Allowed;
        }

        OverlayCachePolicySpec spec;
        try
        {
            spec = policy["spec"].Deserialize(KubernetesJson.Contract<OverlayCachePolicySpec>()) ?? new OverlayCachePolicySpec();
        }
        catch (JsonException exception)
        {
            return AdmissionVerdict.Denied($"spec{exception.Path?.TrimStart('$')}: the value is not understood; see kubectl explain overlaycachepolicy.spec");
        }

        var problems = PolicyProblems.All(spec).ToArray();
        return problems.Length > 0
            ? AdmissionVerdict.Denied(string.Join("; ", problems.Select(problem => $"{problem.Field}: {problem.Message}")))
            : new AdmissionVerdict(Problem: null, Warnings(request.Name, spec, others, nodes, reports));
    }

    // Not a refusal: in which order the objects of a set are applied must not matter.
    private static string[] Warnings(
        string name,
        OverlayCachePolicySpec spec,
        IEnumerable<ClusterPolicy> others,
        IReadOnlyCollection<ClusterNode> nodes,
        IReadOnlyDictionary<string, NodeCacheConfigStatus> reports)
    {
        var known = others.ToArray();
        var created = known.FirstOrDefault(Is)?.CreatedAt ?? DateTimeOffset.MaxValue;
        var without = known.Where(other => !Is(other)).ToArray();
        var compiled = PolicyCompiler.Compile([.. without, new ClusterPolicy(name, 0, created, spec)], nodes);
        var warning = compiled.Policies[name].Acceptance is { IsAccepted: false, Message: var message }
            ? message
            : MemoryWarning(compiled, PolicyCompiler.Compile(without, nodes), reports);
        return warning is null ? [] : [Excerpt.Of(warning, OverlayCachePolicyStatus.MaximumMessage)];

        bool Is(ClusterPolicy other) => string.Equals(other.Name, name, StringComparison.Ordinal);
    }

    /// <summary>Where caches of the sizes that the policy brings about do not fit, as far as the agents have told; of these the node with the least room.</summary>
    private static string? MemoryWarning(CompiledCluster with, CompiledCluster without, IReadOnlyDictionary<string, NodeCacheConfigStatus> reports)
    {
        var tooSmall = with.Nodes
            .Where(pair => pair.Value.CacheSizes != without.Nodes[pair.Key].CacheSizes)
            .Select(pair => (Node: pair.Key, Sizes: pair.Value.CacheSizes, Status: reports.GetValueOrDefault(pair.Key)))
            .Where(static item => item.Status?.Capabilities?.Memory is { } memory && !AreInForce(item.Sizes, item.Status.Caches) && CacheMemory.Of(item.Sizes, memory.Cpus) > memory.CacheBytes)
            .OrderBy(static item => item.Status!.Capabilities!.Memory!.CacheBytes)
            .ThenBy(static item => item.Node, StringComparer.Ordinal)
            .ToArray();
        if (tooSmall is not [var (node, sizes, status), ..])
        {
            return null;
        }

        var room = status!.Capabilities!.Memory!;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"spec.cacheSizes: filter {sizes.Filter}, egress {sizes.Egress}, ingress {sizes.Ingress} need {CacheMemory.Of(sizes, room.Cpus) / 1e6:0.0} MB, node {node} has {room.CacheBytes / 1e6:0.0} MB beside what is in use{(tooSmall.Length > 1 ? $" ({tooSmall.Length} nodes have too little)" : "")}: the present sizes would stay; raise the agents' memory limit or ask for less");
    }

    private static bool AreInForce(CacheSizes sizes, EffectiveCaches? caches) =>
        caches is not null && (caches.Filter.Capacity, caches.Egress.Capacity, caches.Ingress.Capacity) == (sizes.Filter, sizes.Egress, sizes.Ingress);
}
