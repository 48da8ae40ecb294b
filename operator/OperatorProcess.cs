using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Cli;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Configuration;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Events;
using OnCache.Kubernetes.Leases;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Telemetry;
using OnCache.Kubernetes.Watching;
using OnCache.Operator.Cli;
using OnCache.Operator.Controllers;
using OnCache.Operator.Peers;
using OnCache.Operator.Serving;
using OnCache.Operator.Telemetry;
using OnCache.Operator.Webhook;

namespace OnCache.Operator;

/// <summary>One replica of the operator: every replica follows the cluster and serves admission, the one that holds the lease writes.</summary>
internal static class OperatorProcess
{
    private const string Service = "oncache-operator";
    private const string Secret = "oncache-webhook";
    private const string WebhookConfiguration = "oncache";
    private const string AgentAccount = "oncache-agent";

    /// <summary>Runs until cancelled, or until something fails that does not pass by itself.</summary>
    public static async Task RunAsync(RunSettings settings, CancellationToken cancellationToken)
    {
        var configuration = settings.Kubeconfig is { } file
            ? ClusterAccess.FromFile(file)
            : ClusterAccess.Default();
        var home = settings.Namespace ?? configuration.Namespace;

        using var loggers = LogLines.Create(settings.LogLevel);
        using var watchMetrics = new WatchMetrics();
        using var metrics = new OperatorMetrics();
        using var exposition = new PrometheusText("OnCache.");
        using var client = new KubernetesClient(configuration, new KubernetesClientSettings(ClusterWriter.FieldManager));
        using var recorder = new EventRecorder(client, "oncache.io/operator", settings.Identity, loggers.CreateLogger<EventRecorder>());
        var caches = new ClusterCaches(client, watchMetrics, loggers.CreateLogger<ClusterCaches>());
        var signals = new SignalLedger(new SignalPace());
        var peers = new PeerWatch(client, watchMetrics, signals, TimeProvider.System, loggers.CreateLogger<PeerWatch>());
        var reconciler = new ClusterReconciler(
            caches,
            signals,
            new ClusterWriter(client),
            new ClusterEventRecorder(recorder),
            metrics,
            TimeProvider.System,
            loggers.CreateLogger<ClusterReconciler>());
        var elector = new LeaderElector(
            client,
            new LeaderElectionSettings(home, settings.LeaseName, settings.Identity),
            loggers.CreateLogger<LeaderElector>());
        using var certificates = new CertificateKeeper(
            client,
            new CertificatePlace(home, Secret, Service, WebhookConfiguration),
            TimeProvider.System,
            loggers.CreateLogger<CertificateKeeper>());

        // Whatever ends first ends the rest, so that a replica is either whole or restarted.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var server = await OperatorServer.StartAsync(
            settings.Http,
            settings.HasWebhook ? settings.Webhook : null,
            () => certificates.Served,
            new OperatorEndpoints(Health, exposition, new AdmissionJudge(caches, NodeOfPodAsync, $"system:serviceaccount:{home}:{AgentAccount}").JudgeAsync),
            cancellationToken);
        var parts = new List<Task>
        {
            caches.RunAsync(stop.Token),
            elector.RunAsync(LeadAsync, stop.Token),
            new QuietHeap().RunAsync(TimeProvider.System, stop.Token),
        };
        if (settings.HasWebhook)
        {
            parts.Add(certificates.RunAsync(stop.Token));
        }

        var first = await Task.WhenAny(parts);
        await stop.CancelAsync();
        await Task.WhenAll(parts).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        if (!cancellationToken.IsCancellationRequested)
        {
            await first;
        }

        OperatorHealth Health() => new(
            !caches.IsSynced ? "the objects of the cluster have not been listed yet"
            : settings.HasWebhook && certificates.Served is null ? "the webhook has no certificate yet"
            : null);

        async Task LeadAsync(CancellationToken leadership)
        {
            metrics.Leads(isLeader: true);
            try
            {
                await TogetherAsync(leadership, reconciler.RunAsync, peers.RunAsync);
            }
            finally
            {
                metrics.Leads(isLeader: false);
            }
        }

        // Neither goes on without the other.
        static async Task TogetherAsync(CancellationToken leadership, params Func<CancellationToken, Task>[] works)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(leadership);
            var parts = works.Select(work => work(stop.Token)).ToArray();
            var first = await Task.WhenAny(parts);
            await stop.CancelAsync();
            await Task.WhenAll(parts).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            await first;
        }

        async Task<string?> NodeOfPodAsync(string pod, CancellationToken token) =>
            (await client.GetAsync<V1Pod>(new NamespacedName(home, pod), token))?.Spec.NodeName;
    }
}
