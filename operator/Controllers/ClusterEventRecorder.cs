using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Events;
using OnCache.Kubernetes.Models;

namespace OnCache.Operator.Controllers;

/// <summary>Events as objects of the API, as <c>kubectl describe</c> shows them.</summary>
internal sealed class ClusterEventRecorder(EventRecorder recorder) : IEventSink
{
    public Task PublishAsync<T>(T entity, ClusterEvent happened, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta> => recorder.PublishAsync(
        entity,
        happened.Reason,
        happened.Note,
        happened.IsWarning ? EventType.Warning : EventType.Normal,
        cancellationToken);
}
