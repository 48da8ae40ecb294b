using System.Net;
using OnCache.Kubernetes.Models;

namespace OnCache.Api;

/// <summary>The pods of one node and their namespaces, for an agent that has no API server to learn them from.</summary>
/// <param name="Metadata">Named after the node.</param>
/// <param name="Namespaces">The namespaces of the endpoints.</param>
/// <param name="Endpoints">The pods that run on the node.</param>
public sealed record LocalEndpoints(ObjectMeta Metadata, IReadOnlyList<LocalNamespace> Namespaces, IReadOnlyList<LocalEndpoint> Endpoints)
{
    /// <summary>The value of <c>kind</c>.</summary>
    public const string Kind = "LocalEndpoints";

    /// <summary>
    /// All NetworkPolicies in force for the endpoints; null where they are not known, and then nothing can be concluded from them.
    /// </summary>
    public IReadOnlyList<V1NetworkPolicy>? NetworkPolicies { get; init; }
}

/// <summary>A namespace and its labels.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Labels">Its labels.</param>
public sealed record LocalNamespace(string Name, IReadOnlyDictionary<string, string> Labels);

/// <summary>A pod of this node.</summary>
public sealed record LocalEndpoint
{
    /// <summary>The pod's name.</summary>
    public required string Name { get; init; }

    /// <summary>The pod's namespace.</summary>
    public required string Namespace { get; init; }

    /// <summary>The pod's identity: an address may be used again by another pod, a UID never.</summary>
    public required string Uid { get; init; }

    /// <summary>The pod's IPv4 address.</summary>
    public required IPAddress Ip { get; init; }

    /// <summary>The pod's labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The pod's annotations.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Whether the pod uses the node's own network namespace; such a pod is never accelerated.</summary>
    public bool HostNetwork { get; init; }
}
