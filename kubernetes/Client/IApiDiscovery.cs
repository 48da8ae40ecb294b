using OnCache.Kubernetes.Entities;

namespace OnCache.Kubernetes.Client;

/// <summary>What kinds an API server has.</summary>
public interface IApiDiscovery
{
    /// <summary>
    /// The kinds of these groups that can be listed and watched, in the version the server prefers. A group that is not there has none.
    /// </summary>
    /// <exception cref="KubernetesException">The server, or the one it asks for a group, does not answer: the rest says nothing then.</exception>
    Task<IReadOnlyList<EntityType>> FindKindsAsync(IReadOnlyCollection<string> groups, CancellationToken cancellationToken = default);
}
