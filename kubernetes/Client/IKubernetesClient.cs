using System.Text.Json.Nodes;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Client;

/// <summary>Typed access to the API server. Every method throws <see cref="KubernetesException"/> when a request fails.</summary>
public interface IKubernetesClient
{
    /// <summary>Reads one object.</summary>
    /// <returns>The object, or <see langword="null"/> if there is none.</returns>
    Task<T?> GetAsync<T>(NamespacedName name, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>Reads all objects of a selection.</summary>
    Task<ResourceList<T>> ListAsync<T>(ListQuery? query = null, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>Follows changes on one connection, until the server ends it, the connection fails or nothing comes for too long.</summary>
    IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(WatchQuery query, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>Creates an object. Repeated only when the server said it did not act, as a creation may have happened.</summary>
    Task<T> CreateAsync<T>(T entity, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>
    /// Replaces an object; with a resource version only if unchanged. Fields that <typeparamref name="T"/> does not know are lost:
    /// prefer <see cref="ApplyAsync"/> or <see cref="PatchAsync"/> for kinds of others.
    /// </summary>
    Task<T> UpdateAsync<T>(T entity, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>Replaces the status of an object; with a resource version only if unchanged.</summary>
    Task<T> UpdateStatusAsync<T>(T entity, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>
    /// Changes the fields named in a JSON merge patch (RFC 7386); with <c>metadata.resourceVersion</c> only if unchanged.
    /// </summary>
    Task<T> PatchAsync<T>(NamespacedName name, JsonObject patch, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>Changes the status by a JSON merge patch whose root holds <c>status</c>.</summary>
    Task<T> PatchStatusAsync<T>(NamespacedName name, JsonObject patch, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>Server-side apply: the fields set in <paramref name="entity"/> become ours, those set before and absent now go.</summary>
    /// <param name="entity">Own fields only; the status and what the server sets are left out.</param>
    /// <param name="force">Take fields over from other managers.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<ApplyResult<T>> ApplyAsync<T>(T entity, bool force = false, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>Server-side apply of the status alone.</summary>
    Task<ApplyResult<T>> ApplyStatusAsync<T>(T entity, bool force = false, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>Deletes an object.</summary>
    /// <returns>Whether there was one.</returns>
    Task<bool> DeleteAsync<T>(NamespacedName name, DeleteOptions? options = null, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>;
}
