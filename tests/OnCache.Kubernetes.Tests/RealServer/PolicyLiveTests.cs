using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Serialization;
using OnCache.Kubernetes.Tests.Fakes;
using OnCache.Kubernetes.Watching;

namespace OnCache.Kubernetes.Tests.RealServer;

[Collection(RealServerTests.Name)]
public sealed class PolicyLiveTests(RealApiServer server)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_network_policy_comes_back_from_a_watch_as_it_was_written()
    {
        using var client = server.Client();
        var home = $"t{Guid.NewGuid():N}";
        _ = await client.CreateAsync(new V1Namespace { Metadata = new V1ObjectMeta { Name = home } }, Token);
        using var metrics = new WatchMetrics();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var cache = new ResourceCache<V1NetworkPolicy>(client, new ListQuery { Namespace = home }, metrics, NullLogger.Instance);
        using var subscription = cache.Subscribe();
        var run = cache.RunAsync(end.Token);
        await cache.WaitForSyncAsync(Token);
        var policy = Everything(home);

        _ = await client.CreateAsync(policy, Token);
        Spec((await subscription.Changes.NextAsync()).Entity).ShouldBe(Spec(policy));
        _ = await client.PatchAsync<V1NetworkPolicy>(NamespacedName.Of(policy), new JsonObject { ["spec"] = new JsonObject { ["podSelector"] = new JsonObject { ["matchLabels"] = null } } }, Token);
        (await subscription.Changes.NextAsync()).Entity.Spec.PodSelector.MatchLabels.ShouldBeEmpty();
        _ = await client.DeleteAsync<V1NetworkPolicy>(NamespacedName.Of(policy), cancellationToken: Token);
        (await subscription.Changes.NextAsync()).Kind.ShouldBe(ChangeKind.Deleted);

        await end.CancelAsync();
        await run;
    }

    [Fact]
    public async Task The_server_fills_in_the_types_that_are_assumed_without_them()
    {
        using var client = server.Client();
        var policy = Everything("default");

        var stored = await client.CreateAsync(policy with { Spec = policy.Spec with { PolicyTypes = null } }, Token);

        stored.Spec.PolicyTypes.ShouldBe(["Ingress", "Egress"]);
        _ = await client.DeleteAsync<V1NetworkPolicy>(NamespacedName.Of(stored), cancellationToken: Token);
    }

    private static string Spec(V1NetworkPolicy policy) => KubernetesJson.ToNode(policy)["spec"]!.ToJsonString();

    private static V1NetworkPolicy Everything(string home) => new()
    {
        Metadata = new V1ObjectMeta { Name = $"p{Guid.NewGuid():N}", NamespaceProperty = home },
        Spec = new V1NetworkPolicySpec
        {
            PodSelector = new V1LabelSelector
            {
                MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = "db" },
                MatchExpressions = [new V1LabelSelectorRequirement { Key = "tier", OperatorProperty = "In", Values = ["a", "b"] }],
            },
            PolicyTypes = ["Ingress", "Egress"],
            Ingress =
            [
                new V1NetworkPolicyIngressRule
                {
                    FromProperty =
                    [
                        new V1NetworkPolicyPeer { PodSelector = new V1LabelSelector(), NamespaceSelector = new V1LabelSelector() },
                        new V1NetworkPolicyPeer { IpBlock = new V1IPBlock { Cidr = "10.0.0.0/8", Except = ["10.1.0.0/16"] } },
                    ],
                    Ports =
                    [
                        new V1NetworkPolicyPort { Protocol = "TCP", Port = new IntOrString(80) },
                        new V1NetworkPolicyPort { Protocol = "UDP", Port = new IntOrString("dns") },
                    ],
                },
            ],
            Egress = [new V1NetworkPolicyEgressRule { To = [new V1NetworkPolicyPeer { PodSelector = new V1LabelSelector() }] }],
        },
    };
}
