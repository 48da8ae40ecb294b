using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Operator.Compilation;
using OnCache.Operator.Serving;
using OnCache.Operator.Telemetry;
using OnCache.Operator.Webhook;

namespace OnCache.Operator.Tests.Live;

/// <summary>The API server asks the webhook, over the certificate that the operator made.</summary>
[Collection("live")]
public sealed class WebhookLiveTests(LiveServer server) : IAsyncLifetime
{
    public async ValueTask InitializeAsync() => await server.RequireAsync();

    public async ValueTask DisposeAsync()
    {
        if (server.Kubeconfig.Length > 0)
        {
            _ = await server.KubectlAsync("", "delete", "validatingwebhookconfiguration", "oncache");
            _ = await server.KubectlAsync("", "delete", "ocp", "--all", "--wait=false");
            _ = await server.KubectlAsync("", "delete", "secret", "-n", "oncache-system", "oncache-webhook");
        }
    }

    [Fact]
    public async Task A_mistake_is_refused_before_it_is_stored()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var metrics = new PrometheusText("none");
        using var keeper = new CertificateKeeper(
            server.Client,
            new CertificatePlace("oncache-system", "oncache-webhook", "unused", "oncache") { Names = ["localhost"] },
            TimeProvider.System,
            NullLogger<CertificateKeeper>.Instance);
        await using var listener = await OperatorServer.StartAsync(
            new IPEndPoint(IPAddress.Loopback, 0),
            new IPEndPoint(IPAddress.Loopback, 0),
            () => keeper.Served,
            new OperatorEndpoints(() => default, metrics, (request, _) => Task.FromResult(PolicyAdmission.Judge(request, [], [new ClusterNode("n1", new Dictionary<string, string>(StringComparer.Ordinal))]))),
            stop.Token);
        await server.MustAsync(
            $$"""
            apiVersion: admissionregistration.k8s.io/v1
            kind: ValidatingWebhookConfiguration
            metadata: { name: oncache }
            webhooks:
            - name: policies.oncache.io
              admissionReviewVersions: [ v1 ]
              sideEffects: None
              failurePolicy: Fail
              rules: [ { apiGroups: [ oncache.io ], apiVersions: [ v1alpha1 ], operations: [ CREATE, UPDATE ], resources: [ overlaycachepolicies ] } ]
              clientConfig: { url: "https://localhost:{{listener.Addresses.Single(address => address.Scheme == "https").Port}}/admit" }
            """,
            "apply", "-f", "-");
        var keeping = keeper.RunAsync(stop.Token);
        await Eventually.HoldsAsync("the authority in the webhook's configuration", async () =>
            (await server.MustAsync("", "get", "validatingwebhookconfiguration", "oncache", "-o", "jsonpath={.webhooks[0].clientConfig.caBundle}")).Length > 100);

        // The API server takes a moment to learn of a webhook.
        await Eventually.HoldsAsync("a refusal", async () =>
        {
            var (status, said) = await server.KubectlAsync(Policy("{ exclusions: { cidrs: [ 10.1.2.3/8 ] } }"), "apply", "-f", "-");
            return status != 0 && said.Contains("spec.exclusions.cidrs[0]: 10.1.2.3/8 is not accepted; its host bits must be zero: use 10.0.0.0/8", StringComparison.Ordinal);
        });
        await server.MustAsync(Policy("{ exclusions: { cidrs: [ 10.0.0.0/8 ] } }"), "apply", "-f", "-");

        await stop.CancelAsync();
        await keeping.ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    private static string Policy(string spec) =>
        $"""
        apiVersion: oncache.io/v1alpha1
        kind: OverlayCachePolicy
        metadata:
          name: judged
        spec: {spec}
        """;
}
