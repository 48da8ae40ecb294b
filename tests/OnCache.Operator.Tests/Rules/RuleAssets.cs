using System.Text.Json.Nodes;
using OnCache.Operator.Tests.Golden;

namespace OnCache.Operator.Tests.Rules;

/// <summary>The files that rules are tried with.</summary>
internal static class RuleAssets
{
    public static readonly IReadOnlyList<(string Plural, JsonObject Example)> Kinds =
    [
        ("overlaycachepolicies", Read("policy.yaml").Single()),
        ("nodecacheconfigs", Read("node.yaml").Single()),
    ];

    public static IReadOnlyList<JsonObject> Read(string file) =>
        YamlDocuments.Read(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Rules/testassets", file)));
}
