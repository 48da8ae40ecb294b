using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Controllers;

/// <summary>What must be done before an object may go.</summary>
public interface IEntityFinalizer<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>
    /// The object is to be deleted. Success lets it go; success with a time to come back means that it is not done yet, and the
    /// object stays until then.
    /// </summary>
    Task<ReconciliationResult<TEntity>> FinalizeAsync(TEntity entity, CancellationToken cancellationToken);
}

/// <summary>A finalizer and the name under which it is noted on objects.</summary>
/// <param name="Identifier">Such as <c>example.com/flush</c>.</param>
/// <param name="Finalizer">What is to be done.</param>
public sealed record FinalizerRegistration<TEntity>(string Identifier, IEntityFinalizer<TEntity> Finalizer)
    where TEntity : class, IKubernetesObject<V1ObjectMeta>;
