using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Api;
using OnCache.Kubernetes.Telemetry;
using OnCache.Operator.Compilation;
using OnCache.Operator.Serving;
using OnCache.Operator.Tests.Rules;
using OnCache.Operator.Webhook;

namespace OnCache.Operator.Tests.Live;

/// <summary>The operator's webhook, with a certificate of its own making, that the API server asks about policies of one group.</summary>
internal sealed class RunningWebhook : IAsyncDisposable
{
    private readonly LiveServer _server;
    private readonly CancellationTokenSource _stop = new();
    private readonly PrometheusText _metrics = new("none");
    private readonly CertificateKeeper _keeper;
    private OperatorServer? _listener;
    private Task _keeping = Task.CompletedTask;

    private RunningWebhook(LiveServer server)
    {
        _server = server;
        _keeper = new CertificateKeeper(
            server.Client,
            new CertificatePlace("oncache-system", "oncache-webhook", "unused", "oncache") { Names = ["localhost"] },
            TimeProvider.System,
            NullLogger<CertificateKeeper>.Instance);
    }

    /// <summary>Returns once the API server asks it.</summary>
    public static async Task<RunningWebhook> StartAsync(LiveServer server, string group)
    {
        var webhook = new RunningWebhook(server);
        try
        {
            await webhook.StartAsync(group);
            return webhook;
        }
        catch
        {
            await webhook.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _ = await _server.KubectlAsync("", "delete", "validatingwebhookconfiguration", "oncache", "--ignore-not-found");
        await _stop.CancelAsync();
        await _keeping.ContinueWith(static _ => { }, TaskScheduler.Default);
        if (_listener is not null)
        {
            await _listener.DisposeAsync();
        }

        _ = await _server.KubectlAsync("", "delete", "secret", "-n", "oncache-system", "oncache-webhook", "--ignore-not-found");
        _keeper.Dispose();
        _metrics.Dispose();
        _stop.Dispose();
    }

    private async Task StartAsync(string group)
    {
        var node = new ClusterNode("n1", new Dictionary<string, string>(StringComparer.Ordinal));
        _listener = await OperatorServer.StartAsync(
            new IPEndPoint(IPAddress.Loopback, 0),
            new IPEndPoint(IPAddress.Loopback, 0),
            () => _keeper.Served,
            new OperatorEndpoints(() => default, _metrics, (request, _) => Task.FromResult(PolicyAdmission.Judge(request, [], [node], new Dictionary<string, NodeCacheConfigStatus>(StringComparer.Ordinal)))),
            _stop.Token);
        await _server.MustAsync(
            $$"""
            apiVersion: admissionregistration.k8s.io/v1
            kind: ValidatingWebhookConfiguration
            metadata: { name: oncache }
            webhooks:
            - name: policies.oncache.io
              admissionReviewVersions: [ v1 ]
              sideEffects: None
              failurePolicy: Fail
              rules: [ { apiGroups: [ {{group}} ], apiVersions: [ v1alpha1 ], operations: [ CREATE, UPDATE ], resources: [ overlaycachepolicies ] } ]
              clientConfig: { url: "https://localhost:{{_listener.Addresses.Single(address => address.Scheme == "https").Port}}/admit" }
            """,
            "apply", "-f", "-");
        _keeping = _keeper.RunAsync(_stop.Token);
        await Eventually.HoldsAsync("the authority in the webhook's configuration", async () =>
            (await _server.MustAsync("", "get", "validatingwebhookconfiguration", "oncache", "-o", "jsonpath={.webhooks[0].clientConfig.caBundle}")).Length > 100);

        // The API server takes a moment to learn of a webhook, and then of its authority.
        var refused = RuleAssets.Kinds[0].Example.DeepClone().AsObject();
        refused["spec"]!["exclusions"]!["cidrs"] = new JsonArray("10.1.2.3/8");
        await Eventually.HoldsAsync("a refusal", async () => (await _server.Probe.RefusalAsync(refused, group)).Contains("host bits", StringComparison.Ordinal));
    }
}
