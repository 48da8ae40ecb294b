using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace OnCache.Operator.Tests.Rules;

/// <summary>Tries each rule in CEL with the values of <c>expressions.yaml</c>, wherever the schema has it.</summary>
internal static class ExpressionRules
{
    /// <summary>The rules of the schema that the file has no values for.</summary>
    public static IEnumerable<string> Untried() =>
        from kind in RuleAssets.Kinds
        from rule in Rules(CrdSchema.Root(kind.Plural))
        where !Known().Any(known => Same(known, rule))
        select rule;

    public static IEnumerable<RuleCase> Cases() =>
        from kind in RuleAssets.Kinds
        from part in CrdSchema.Parts(kind.Plural, "spec")
        from rule in part.Schema["x-kubernetes-validations"] as JsonArray ?? []
        from known in Known()
        where Same(known, (string)rule["rule"]!)
        let accepted = known["accepted"]!.AsArray()
        let refused = known["refused"]!.AsArray()
        from i in Enumerable.Range(0, Math.Max(accepted.Count, refused.Count))
        let good = accepted[i % accepted.Count]!
        let bad = refused[i % refused.Count]!
        select new RuleCase(
            $"{kind.Example["kind"]} {part.Path} CEL {Text(good)} {Text(bad)}",
            part.Path.Set(kind.Example, good.DeepClone()),
            part.Path.Set(kind.Example, bad.DeepClone()),
            part.Path.NameIn(kind.Example),
            Regex.Escape((string)known["message"]!));

    private static IReadOnlyList<JsonObject> Known() => RuleAssets.Read("expressions.yaml");

    private static bool Same(JsonObject known, string rule) => string.Equals((string?)known["rule"], rule, StringComparison.Ordinal);

    // Also where no path leads, such as at the root.
    private static IEnumerable<string> Rules(JsonNode? node) => node switch
    {
        JsonObject schema =>
        [
            .. (schema["x-kubernetes-validations"] as JsonArray ?? []).Select(rule => (string)rule!["rule"]!),
            .. schema.SelectMany(pair => Rules(pair.Value)),
        ],
        JsonArray list => list.SelectMany(Rules),
        _ => [],
    };

    private static string Text(JsonNode value) => value is JsonValue ? (string)value! : value.ToJsonString();
}
