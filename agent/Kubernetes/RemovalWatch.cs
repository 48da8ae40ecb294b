using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Watching;

namespace OnCache.Agent.Kubernetes;

/// <summary>
/// Finds out, when the agent is told to end, whether it is being removed. Namespaces and the service account are watched while it runs:
/// whoever removes everything may take the right to ask first. The DaemonSet is asked for at the end: its status changes with each of its
/// pods, and every agent would hear of it.
/// </summary>
internal sealed partial class RemovalWatch(
    NamespacedName pod, ClusterConfigurationSource source, IKubernetesClient client, WatchMetrics metrics, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    private V1Pod? _pod;
    private ResourceCache<V1ServiceAccount>? _accounts;

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
    public async Task<string?> ReasonAsync()
    {
        var started = time.GetTimestamp();
        while (true)
        {
            // A pod that is deleted by force has gone before its process.
            var own = source.Pod(pod) ?? _pod;
            var left = AgentRemoval.PatienceOf(own) - time.GetElapsedTime(started);
            var answer = left > TimeSpan.Zero && AgentRemoval.OwnerOf(own) is { } owner ? await AskAsync(owner, left) : default;
            var reason = AgentRemoval.ReasonOf(new AgentFooting(
                own, source.Namespace(pod.Namespace!), _accounts is not { IsSynced: true, Snapshot.Count: 0 }, answer));
            if (reason is not null || answer.IsKnown || left <= s_pause || AgentRemoval.OwnerOf(own) is null)
            {
                return reason;
            }

            // An API server that starts does not answer, and may refuse whom it will know in a moment. What is watched may tell in the end.
            await Task.Delay(s_pause, time);
        }
    }

    private async Task<OwnerAnswer> AskAsync(V1OwnerReference owner, TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience, time);
        try
        {
            return new OwnerAnswer(IsKnown: true, await client.GetAsync<V1DaemonSet>(new NamespacedName(pod.Namespace, owner.Name), limit.Token));
        }
        catch (Exception failure) when (failure is KubernetesException or OperationCanceledException)
        {
            LogNoAnswer(owner.Name, failure.Message);
            return default;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "--pod {Pod} is no pod of a DaemonSet on this node: what the agent makes here stays when it ends")]
    private partial void LogUnknown(NamespacedName pod);

    [LoggerMessage(Level = LogLevel.Information, Message = "DaemonSet {Name}: not known whether it stays: {Reason}")]
    private partial void LogNoAnswer(string name, string reason);
}
