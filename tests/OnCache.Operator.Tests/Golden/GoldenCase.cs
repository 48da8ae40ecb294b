using System.Text.Json;
using System.Text.Json.Nodes;
using OnCache.Api;
using OnCache.Kubernetes.Serialization;
using OnCache.Operator.Compilation;
using OnCache.Operator.Status;

namespace OnCache.Operator.Tests.Golden;

/// <summary>Policies, nodes and what the nodes report; and what becomes of them.</summary>
internal static class GoldenCase
{
    private static readonly DateTimeOffset Now = DateTimeOffset.Parse("2026-01-02T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Runs compiler and aggregator over the documents of a case.</summary>
    public static IReadOnlyList<JsonObject> Run(IReadOnlyList<JsonObject> documents)
    {
        var policies = OfKind("OverlayCachePolicy").ToArray();
        var compiled = PolicyCompiler.Compile(
            policies.Select(item => new ClusterPolicy(
                Name(item),
                Generation(item),
                item["metadata"]!["creationTimestamp"]?.GetValue<string>() is { } time
                    ? DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture)
                    : DateTimeOffset.UnixEpoch,
                Part<OverlayCachePolicySpec>(item, "spec") ?? new OverlayCachePolicySpec())),
            OfKind("Node").Select(item => new ClusterNode(
                Name(item),
                item["metadata"]!["labels"].Deserialize<Dictionary<string, string>>() ?? [])));
        var reports = OfKind("NodeCacheConfig").ToDictionary(
            Name,
            item => new NodeReport(Name(item), IsInStep(item, compiled), Generation(item), Part<NodeCacheConfigStatus>(item, "status")),
            StringComparer.Ordinal);

        return
        [
            .. compiled.Nodes.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => Document("NodeCacheConfig", pair.Key, "spec", pair.Value)),
            .. policies.Select(item => Document(
                "OverlayCachePolicy",
                Name(item),
                "status",
                StatusAggregator.Aggregate(compiled.Policies[Name(item)], reports, Part<OverlayCachePolicyStatus>(item, "status"), Now))),
        ];

        IEnumerable<JsonObject> OfKind(string kind) => documents.Where(item => string.Equals((string?)item["kind"], kind, StringComparison.Ordinal));
    }

    // A report without a spec is one on what was compiled.
    private static bool IsInStep(JsonObject item, CompiledCluster compiled) =>
        Part<NodeCacheConfigSpec>(item, "spec") is not { } spec
        || (compiled.Nodes.TryGetValue(Name(item), out var wanted) && new CanonicalText().Of(spec) == new CanonicalText().Of(wanted));

    private static string Name(JsonObject item) => item["metadata"]!["name"]!.GetValue<string>();

    private static long Generation(JsonObject item) => (long?)item["metadata"]!["generation"] ?? 1;

    private static T? Part<T>(JsonObject item, string field) => item[field].Deserialize<T>(KubernetesJson.Options);

    private static JsonObject Document<T>(string kind, string name, string field, T value) => new()
    {
        ["kind"] = kind,
        ["metadata"] = new JsonObject { ["name"] = name },
        [field] = JsonSerializer.SerializeToNode(value, KubernetesJson.Options),
    };
}
