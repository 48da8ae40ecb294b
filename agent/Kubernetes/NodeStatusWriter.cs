using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OnCache.Agent.Daemon;
using OnCache.Agent.Telemetry;
using OnCache.Api;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Resilience;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Agent.Kubernetes;

/// <summary>
/// Writes the status of the node's own object when it says something new, at most twice a second, and never as a sign of
/// life: an idle cluster costs no write.
/// </summary>
internal sealed partial class NodeStatusWriter(
    string node, IKubernetesClient client, ClusterConfigurationSource source, IStatusSource status, Func<AgentState?> state, ChannelReader<bool> news, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(500);
    // A change comes with its flush, its plan and what follows from both: one write for all.
    private static readonly TimeSpan s_gather = TimeSpan.FromMilliseconds(100);
    private static readonly Backoff s_backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
    private AgentState? _seen;
    private (string? Uid, string Content, NodeCacheConfigStatus? Status) _written;

    /// <summary>Follows the agent until cancelled. A write that fails is tried again.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var failures = 0;
        while (true)
        {
            if (failures == 0)
            {
                _ = await news.ReadAsync(cancellationToken);
            }

            await Task.Delay(failures == 0 ? s_gather : s_backoff.Delay(failures, Random.Shared.NextDouble()), time, cancellationToken);
            try
            {
                await WriteIfNewAsync(cancellationToken);
                failures = 0;
            }
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
            {
                // The API server is away or refuses, the datapath is just being replaced, or whatever else: a writer that dies unseen would leave
                // the status wrong for ever.
                failures++;
                LogNotWritten(failure.Message);
                continue;
            }

            await Task.Delay(s_interval - s_gather, time, cancellationToken);
        }
    }

    private async Task WriteIfNewAsync(CancellationToken cancellationToken)
    {
        var current = state();
        if (source.Object is not { } target || current is null || (ReferenceEquals(current, _seen) && _written.Uid == target.Metadata.Uid))
        {
            return;
        }

        // Of the object before this one: its generations say nothing of this one's.
        if (!string.Equals(current.Configuration.Uid, target.Metadata.Uid, StringComparison.Ordinal))
        {
            return;
        }

        // The object lags behind what was just written to it.
        var before = _written.Uid == target.Metadata.Uid ? _written.Status : target.Status;

        // An agent that starts with other sizes than are asked for by now has observed none itself.
        var generation = Math.Max(current.ObservedGeneration, before?.ObservedGeneration ?? 0);

        // After each flush, so a sweep for each would hold a core while events come thick; the object tells no number of flows.
        var next = NodeStatus.Of(status.Status(countFlows: false), generation, before, time.GetUtcNow());
        var content = Content(next);
        if ((_written.Uid, _written.Content) != (target.Metadata.Uid, content))
        {
            await client.ApplyStatusAsync(
                new V1Alpha1NodeCacheConfig { Metadata = new V1ObjectMeta { Name = node }, Status = next }, force: true, cancellationToken);
            _written = (target.Metadata.Uid, content, next);
        }

        _seen = current;
    }

    private static string Content(NodeCacheConfigStatus value) => JsonSerializer.Serialize(value, KubernetesJson.Contract<NodeCacheConfigStatus>());

    [LoggerMessage(Level = LogLevel.Warning, Message = "status not written, tried again: {Reason}")]
    private partial void LogNotWritten(string reason);
}
