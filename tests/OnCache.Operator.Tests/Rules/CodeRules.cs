using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OnCache.Api;
using OnCache.Kubernetes.Serialization;
using OnCache.Operator.Validation;

namespace OnCache.Operator.Tests.Rules;

/// <summary>The rules as code.</summary>
internal static class CodeRules
{
    /// <summary>What the schema cannot say, of <c>code.yaml</c>.</summary>
    public static IEnumerable<RuleCase> Cases() =>
        from rule in RuleAssets.Read("code.yaml")
        let field = (string)rule["field"]!
        select new RuleCase($"OverlayCachePolicy {field}", Policy(rule["accepted"]!), Policy(rule["refused"]!), field, Regex.Escape((string)rule["message"]!));

    /// <summary>What the code has against an object, one line each; a value it cannot read is one.</summary>
    public static IReadOnlyList<string> Problems(JsonObject document)
    {
        try
        {
            var problems = (string?)document["kind"] == "OverlayCachePolicy"
                ? PolicyProblems.All(document["spec"].Deserialize<OverlayCachePolicySpec>(KubernetesJson.Options)!)
                : NodeCacheConfigRules.CheckFields(new NodeCacheConfig(
                    new ObjectMeta((string)document["metadata"]!["name"]!),
                    document["spec"].Deserialize<NodeCacheConfigSpec>(KubernetesJson.Options)!));
            return [.. problems.Select(problem => $"{problem.Field}: {problem.Message}")];
        }
        catch (JsonException exception)
        {
            return [$"spec{exception.Path?.TrimStart('$')}: the value is not understood"];
        }
    }

    private static JsonObject Policy(JsonNode spec) => new()
    {
        ["apiVersion"] = "oncache.io/v1alpha1",
        ["kind"] = "OverlayCachePolicy",
        ["metadata"] = new JsonObject { ["name"] = "p" },
        ["spec"] = spec.DeepClone(),
    };
}
