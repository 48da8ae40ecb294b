using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Operator.Controllers;

/// <summary>Where events go.</summary>
internal interface IEventSink
{
    /// <summary>Publishes an event about an object. A failure to do so is not the caller's.</summary>
    Task PublishAsync<T>(T entity, ClusterEvent happened, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>;
}
