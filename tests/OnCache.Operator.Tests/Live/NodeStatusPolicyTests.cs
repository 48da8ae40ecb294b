using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OnCache.Operator.Tests.Golden;
using OnCache.Operator.Webhook;

namespace OnCache.Operator.Tests.Live;

/// <summary>
/// The expressions of <c>config/admission</c>: that they compile, what they decide, and that the webhook decides the same. No server that has
/// ValidatingAdmissionPolicy can be had; one that knows CEL evaluates them here as rules over an object in the shape of their variables.
/// </summary>
[Collection("live")]
public sealed class NodeStatusPolicyTests(CelServer server) : IAsyncLifetime
{
    private const string Group = "admission.oncache.test";
    private const string Agent = "system:serviceaccount:oncache-system:oncache-agent";

    public async ValueTask InitializeAsync()
    {
        await server.RequireAsync();
        await server.MustAsync(Definition().ToJsonString(), "apply", "--validate=false", "-f", "-");
        await server.EstablishedAsync($"reviews.{Group}");
        await server.Plane.ServeWithCelAsync(Group, "v1alpha1", TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (server.Kubeconfig.Length > 0)
        {
            _ = await server.KubectlAsync("", "delete", "apiservice", $"v1alpha1.{Group}", "--ignore-not-found");
            _ = await server.KubectlAsync("", "delete", "crd", $"reviews.{Group}", "--ignore-not-found", "--wait=false");
        }
    }

    [Fact]
    public async Task An_agent_writes_its_own_nodes_status_alone()
    {
        (await JudgeAsync(Agent, "n1", "n1")).ShouldBeEmpty();
        (await JudgeAsync(Agent, "n1", "n2")).ShouldContain("an agent may write the status of its own node alone, not of n2");
        (await JudgeAsync(Agent, null, "n2")).ShouldContain("an agent may write the status of its own node alone, not of n2");
        (await JudgeAsync("kubernetes-admin", null, "n2")).ShouldBeEmpty();
        (await JudgeAsync("kubernetes-admin", "n1", "n2")).ShouldBeEmpty();
    }

    private async Task<string> JudgeAsync(string user, string? node, string target)
    {
        var extra = node is null ? new JsonObject() : new JsonObject { [NodeStatusAdmission.NodeName] = new JsonArray(node) };
        var refusal = await server.Probe.RefusalAsync(
            new JsonObject
            {
                ["kind"] = "Review",
                ["metadata"] = new JsonObject { ["name"] = "r" },
                ["request"] = new JsonObject { ["userInfo"] = new JsonObject { ["username"] = user, ["extra"] = extra } },
                ["object"] = new JsonObject { ["metadata"] = new JsonObject { ["name"] = target } },
            },
            Group);

        var known = node is null ? [] : new Dictionary<string, string>(StringComparer.Ordinal) { [NodeStatusAdmission.NodeName] = node };
        var verdict = NodeStatusAdmission.Judge(
            new AdmissionRequest("u", "NodeCacheConfig", target, "status", [], [], new AdmissionUser(user, known)), Agent, _ => null);
        (refusal.Length == 0).ShouldBe(verdict.Problem is null, verdict.Problem);
        return refusal;
    }

    private static JsonObject Definition()
    {
        var policy = YamlDocuments.Read(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "config/admission/node-status.yaml")))[0]["spec"]!;
        var condition = policy["matchConditions"]!.AsArray().Single()!["expression"];
        var validation = policy["validations"]!.AsArray().Single()!;
        var definition = YamlDocuments.Read(
            $$"""
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: { name: reviews.{{Group}} }
            spec:
              group: {{Group}}
              scope: Cluster
              names: { plural: reviews, singular: review, kind: Review }
              versions:
              - name: v1alpha1
                served: true
                storage: true
                schema:
                  openAPIV3Schema:
                    type: object
                    properties:
                      request:
                        type: object
                        properties:
                          userInfo:
                            type: object
                            properties:
                              username: { type: string, maxLength: 256 }
                              extra: { type: object, maxProperties: 8, additionalProperties: { type: array, maxItems: 8, items: { type: string, maxLength: 256 } } }
                      object:
                        type: object
                        properties:
                          metadata: { type: object, properties: { name: { type: string, maxLength: 253 } } }
            """)[0];
        definition["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["x-kubernetes-validations"] = new JsonArray(new JsonObject
        {
            ["rule"] = $"!({OfSelf(condition)}) || ({OfSelf(validation["expression"])})",
            ["messageExpression"] = OfSelf(validation["messageExpression"]),
        });
        return definition;
    }

    // Of the variables of a policy, a rule has none but the object it is about.
    private static string OfSelf(JsonNode? expression) =>
        Regex.Replace((string)expression!, @"(?<![\w.'])(request|object)\.", "self.$0", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
}
