using OnCache.Api;

namespace OnCache.Operator.Controllers;

/// <summary>Where events go.</summary>
internal interface IPolicyEventSink
{
    /// <summary>Publishes an event about a policy. A failure to do so is not the caller's.</summary>
    Task PublishAsync(V1Alpha1OverlayCachePolicy policy, PolicyEvent happened, CancellationToken cancellationToken);
}
