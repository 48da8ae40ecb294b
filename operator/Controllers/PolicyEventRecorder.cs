using OnCache.Api;
using OnCache.Kubernetes.Events;

namespace OnCache.Operator.Controllers;

/// <summary>Events as objects of the API, as <c>kubectl describe</c> shows them.</summary>
internal sealed class PolicyEventRecorder(EventRecorder recorder) : IPolicyEventSink
{
    public Task PublishAsync(V1Alpha1OverlayCachePolicy policy, PolicyEvent happened, CancellationToken cancellationToken) => recorder.PublishAsync(
        policy,
        happened.Reason,
        happened.Note,
        happened.IsWarning ? EventType.Warning : EventType.Normal,
        cancellationToken);
}
