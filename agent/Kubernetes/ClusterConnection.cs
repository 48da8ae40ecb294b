using Microsoft.Extensions.Logging;
using OnCache.Agent.Cli;
using OnCache.Agent.Coherence;
using OnCache.Agent.Daemon;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Configuration;
using OnCache.Kubernetes.Watching;

namespace OnCache.Agent.Kubernetes;

/// <summary>The agent's connection to the API server, and what goes through it.</summary>
internal sealed class ClusterConnection : IDisposable
{
    /// <summary>Under this name the agent owns the status of its node's object.</summary>
    private const string FieldManager = "oncache-agent";

    private readonly KubernetesClient _client;
    private readonly WatchMetrics _metrics = new();
    private readonly ILoggerFactory _loggers;
    private readonly string _node;

    private readonly CniPolicyWatch _cniPolicies;
    private readonly RemovalWatch? _removal;

    private ClusterConnection(Func<KubernetesClientSettings, KubernetesClient> connect, AgentSettings settings, CoherenceLane lane, ILoggerFactory loggers)
    {
        var client = connect(new KubernetesClientSettings(FieldManager));
        _client = client;
        _node = settings.Node!;
        _loggers = loggers;
        Source = new ClusterConfigurationSource(_node, client, lane, _metrics, loggers, TimeProvider.System);
        _cniPolicies = new CniPolicyWatch(
            client, client, settings.CniPolicies, lane, Source.SetCniPoliciesAbsent, _metrics, TimeProvider.System, loggers.CreateLogger<CniPolicyWatch>());
        _removal = settings.Pod is { } pod
            ? new RemovalWatch(
                pod, Source, client, () => connect(new KubernetesClientSettings(FieldManager) { Retries = 0 }), _metrics, TimeProvider.System, loggers.CreateLogger<RemovalWatch>())
            : null;
    }

    public ClusterConfigurationSource Source { get; }

    /// <param name="lane">Where what can alter a verdict is told.</param>
    /// <exception cref="ConfigurationException">The kubeconfig, or the service account, cannot be used.</exception>
    public static ClusterConnection Open(AgentSettings settings, CoherenceLane lane, ILoggerFactory loggers)
    {
        // Each client has a configuration of its own: it sets its ways of connecting in it.
        KubernetesClient Connect(KubernetesClientSettings of) =>
            new(settings.Kubeconfig is { } file ? ClusterAccess.FromFile(file) : ClusterAccess.Default(), of);
        return new ClusterConnection(Connect, settings, lane, loggers);
    }

    /// <summary>Follows the API server until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(
        Source.RunAsync(cancellationToken), _cniPolicies.RunAsync(cancellationToken), _removal?.RunAsync(cancellationToken) ?? Task.CompletedTask);

    /// <summary>Waits for the first complete view: nothing may be learned before it is known by what changes it would end.</summary>
    public Task WaitForSyncAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(Source.WaitForSyncAsync(cancellationToken), _cniPolicies.WaitForSyncAsync(cancellationToken));

    /// <summary>Why no agent will follow this one, which is told to end; null on any doubt, and when one may.</summary>
    public Task<string?> RemovalReasonAsync() => _removal?.ReasonAsync() ?? Task.FromResult<string?>(null);

    /// <summary>Keeps the status of the node's object current until cancelled.</summary>
    public Task WriteStatusAsync(CurrentAgent agent, CancellationToken cancellationToken) =>
        new NodeStatusWriter(_node, _client, Source, agent, () => agent.State, agent.News, TimeProvider.System, _loggers.CreateLogger<NodeStatusWriter>())
            .RunAsync(cancellationToken);

    public void Dispose()
    {
        _client.Dispose();
        _metrics.Dispose();
    }
}
