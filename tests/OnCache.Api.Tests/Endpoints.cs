using System.Net;

namespace OnCache.Api.Tests;

/// <summary>Objects that tests change by <c>with</c>.</summary>
internal static class Endpoints
{
    public static LocalEndpoint Pod { get; } = new()
    {
        Name = "web-1",
        Namespace = "shop",
        Uid = "u1",
        Ip = IPAddress.Parse("10.244.1.2"),
        Labels = Labels(("app", "web")),
    };

    public static IReadOnlyDictionary<string, LocalNamespace> Namespaces { get; } = new[]
    {
        new LocalNamespace("shop", Labels(("team", "blue"))),
        new LocalNamespace("kube-system", Labels()),
    }.ToDictionary(item => item.Name, StringComparer.Ordinal);

    public static CachePolicy Everything { get; } = new() { Name = "everything" };

    public static NodeCacheConfigSpec Spec(params CachePolicy[] policies) => new() { Policies = policies };

    public static Dictionary<string, string> Labels(params (string Key, string Value)[] labels) =>
        labels.ToDictionary(label => label.Key, label => label.Value, StringComparer.Ordinal);

    public static LabelSelector Selector(string key, string value) => new() { MatchLabels = Labels((key, value)) };
}
