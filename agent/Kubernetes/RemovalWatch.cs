using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Configuration;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Watching;

namespace OnCache.Agent.Kubernetes;

/// <summary>
/// Finds out, when the agent is told to end, whether it is being removed. Namespaces and the service account are watched while it runs:
/// whoever removes everything may take the right to ask first. The DaemonSet is asked for at the end, by connections of its own: its status
/// changes with each of its pods, and every agent would hear of it.
/// </summary>
internal sealed partial class RemovalWatch(
    NamespacedName pod,
    ClusterConfigurationSource source,
    IKubernetesClient client,
    Func<KubernetesClient> connect,
    WatchMetrics metrics,
    TimeProvider time,
    ILogger logger)
{
    private V1Pod? _pod;
    private ResourceCache<V1ServiceAccount>? _accounts;
    private string? _told;

    /// <summary>Watches until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await source.WaitForSyncAsync(cancellationToken);
        _pod = source.Pod(pod);
        if (AgentRemoval.OwnerOf(_pod) is null || _pod!.Spec.ServiceAccountName is not { } account)
        {
            LogUnknown(pod);
            return;
        }

        _accounts = new(client, new ListQuery { Namespace = pod.Namespace, FieldSelector = $"metadata.name={account}" }, metrics, logger);
        await _accounts.RunAsync(cancellationToken);
    }

    /// <summary>Why no agent will follow this one; null on any doubt, and when one may.</summary>
    public Task<string?> ReasonAsync() => new RemovalInquiry(Present, AskAsync, time).ReasonAsync();

    private AgentFooting Present() => new(
        // A pod that is deleted by force has gone before its process.
        source.Pod(pod) ?? _pod, source.Namespace(pod.Namespace!), _accounts is not { IsSynced: true, Snapshot.Count: 0 }, default);

    private async Task<OwnerAnswer> AskAsync(V1OwnerReference owner, CancellationToken cancellationToken)
    {
        try
        {
            using var fresh = connect();
            return new OwnerAnswer(
                IsKnown: true, await fresh.GetAsync<V1DaemonSet>(new NamespacedName(pod.Namespace, owner.Name), cancellationToken));
        }
        catch (Exception failure) when (failure is KubernetesException or ConfigurationException or OperationCanceledException)
        {
            if (_told != failure.Message)
            {
                _told = failure.Message;
                LogNoAnswer(owner.Name, failure.Message);
            }

            return new OwnerAnswer(
                IsKnown: false, DaemonSet: null, IsRefused: failure is KubernetesException { Reason: StatusReason.Forbidden or StatusReason.Unauthorized });
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "--pod {Pod} is no pod of a DaemonSet on this node: what the agent makes here stays when it ends")]
    private partial void LogUnknown(NamespacedName pod);

    [LoggerMessage(Level = LogLevel.Information, Message = "DaemonSet {Name}: not known whether it stays: {Reason}")]
    private partial void LogNoAnswer(string name, string reason);
}
