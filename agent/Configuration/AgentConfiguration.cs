using OnCache.Api;

namespace OnCache.Agent.Configuration;

/// <summary>What the agent is told to do: the node's configuration and its pods.</summary>
/// <param name="Node">The node's configuration.</param>
/// <param name="Local">The pods of the node and their namespaces.</param>
internal sealed record AgentConfiguration(NodeCacheConfig Node, LocalEndpoints Local)
{
    /// <summary>The generation of the node's object in the API; 0 without a cluster.</summary>
    public long Generation { get; init; }

    /// <summary>Which object that is; null without one. One of the same name that is made later counts its generations anew.</summary>
    public string? Uid { get; init; }

    /// <summary>The namespaces of the node's pods, by name.</summary>
    public IReadOnlyDictionary<string, LocalNamespace> Namespaces { get; } =
        Local.Namespaces.ToDictionary(item => item.Name, StringComparer.Ordinal);
}
