using System.Text.Json.Nodes;
using OnCache.Api;
using OnCache.Operator.Tests.Rules;

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
            _ = await server.KubectlAsync("", "delete", "ocp", "--all", "--wait=false");
        }
    }

    [Fact]
    public async Task A_mistake_is_refused_before_it_is_stored()
    {
        await using var webhook = await RunningWebhook.StartAsync(server, ApiGroup.Name);

        var (status, said) = await server.KubectlAsync(Policy("{ exclusions: { cidrs: [ 10.1.2.3/8 ] } }"), "apply", "-f", "-");
        status.ShouldNotBe(0);
        said.ShouldContain("spec.exclusions.cidrs[0]: 10.1.2.3/8 is not accepted; its host bits must be zero: use 10.0.0.0/8");
        await server.MustAsync(Policy("{ exclusions: { cidrs: [ 10.0.0.0/8 ] } }"), "apply", "-f", "-");
    }

    [Fact]
    public async Task Without_the_help_of_a_schema_the_webhook_knows_every_rule()
    {
        const string Loose = "loose.oncache.test";
        await server.MustAsync(Unruled(Loose), "apply", "--validate=false", "-f", "-");
        try
        {
            await server.EstablishedAsync($"overlaycachepolicies.{Loose}");
            await using var webhook = await RunningWebhook.StartAsync(server, Loose);
            var wrong = new List<string>();
            foreach (var rule in SchemaRules.Cases().Concat(ExpressionRules.Cases()).Concat(CodeRules.Cases()).Where(rule => rule.IsPolicy))
            {
                var refusal = await server.Probe.RefusalAsync(rule.Refused, Loose);
                wrong.AddRange((await server.Probe.RefusalAsync(rule.Accepted, Loose)) is { Length: > 0 } said ? [$"{rule.Name}: {said}"] : []);
                wrong.AddRange(CodeRules.Problems(rule.Refused).Where(problem => !refusal.Contains(problem, StringComparison.Ordinal)).Select(problem => $"{rule.Name}: {problem} is not in '{refusal}'"));
            }

            wrong.ShouldBeEmpty();
        }
        finally
        {
            _ = await server.KubectlAsync("", "delete", "crd", $"overlaycachepolicies.{Loose}", "--wait=false");
        }
    }

    // The same kind under another group, for which the API server knows nothing of its fields.
    private static string Unruled(string group)
    {
        var definition = CrdSchema.Definition("overlaycachepolicies");
        definition["metadata"]!["name"] = $"overlaycachepolicies.{group}";
        definition["spec"]!["group"] = group;
        definition["spec"]!["names"]!.AsObject().Remove("categories");
        definition["spec"]!["names"]!.AsObject().Remove("shortNames");
        definition["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"] = new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true };
        return definition.ToJsonString();
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
