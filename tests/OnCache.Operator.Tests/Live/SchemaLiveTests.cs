using OnCache.Operator.Tests.Rules;

namespace OnCache.Operator.Tests.Live;

/// <summary>What the API server makes of our definitions.</summary>
[Collection("live")]
public sealed class SchemaLiveTests(LiveServer server) : IAsyncLifetime
{
    public async ValueTask InitializeAsync() => await server.RequireAsync();

    public async ValueTask DisposeAsync()
    {
        if (server.Kubeconfig.Length > 0)
        {
            _ = await server.KubectlAsync("", "delete", "ocp", "--all", "--wait=false");
        }
    }

    [Theory]
    [InlineData("lease: 30s", "")]
    [InlineData("lease: soon", "spec.lease")]
    [InlineData("lease: 1.5s", "spec.lease")]
    [InlineData("priority: 1000000", "")]
    [InlineData("priority: 1000001", "spec.priority")]
    [InlineData("mode: Observe", "")]
    [InlineData("mode: Sometimes", "spec.mode")]
    [InlineData("hostRules: Ignore", "")]
    [InlineData("hostRules: Sometimes", "spec.hostRules")]
    [InlineData("protocols: [ TCP, ICMP ]", "")]
    [InlineData("protocols: []", "spec.protocols")]
    [InlineData("protocols: [ TCP, TCP ]", "spec.protocols[1]")]
    [InlineData("protocols: [ SCTP ]", "spec.protocols")]
    [InlineData("cacheSizes: { filter: 1024 }", "")]
    [InlineData("cacheSizes: { filter: 1023 }", "spec.cacheSizes.filter")]
    [InlineData("namespaces: { names: [ shop ] }", "")]
    [InlineData("namespaces: { names: [ Shop ] }", "spec.namespaces.names")]
    [InlineData("exclusions: { cidrs: [ 10.0.0.0/8 ] }", "")]
    [InlineData("exclusions: { cidrs: [ 10.0.0.256/8 ] }", "spec.exclusions.cidrs")]
    [InlineData("exclusions: { ports: [ { protocol: TCP, port: 65535 }, { protocol: UDP, port: 65535 } ] }", "")]
    [InlineData("exclusions: { ports: [ { protocol: TCP, port: 65536 } ] }", "spec.exclusions.ports.port")]
    [InlineData("exclusions: { ports: [ { protocol: TCP, port: 1 }, { protocol: TCP, port: 1 } ] }", "spec.exclusions.ports[1]")]
    [InlineData("podSelector: { matchExpressions: [ { key: app, operator: Like } ] }", "spec.podSelector.matchExpressions.operator")]
    public async Task The_schema_accepts_and_refuses(string spec, string field)
    {
        var (status, said) = await server.KubectlAsync(Policy($"{{ {spec} }}"), "apply", "--validate=false", "-f", "-");

        if (field.Length == 0)
        {
            status.ShouldBe(0, said);
        }
        else
        {
            status.ShouldNotBe(0);
            said.ShouldContain(field);
        }
    }

    [Fact]
    public async Task Defaults_are_filled_in()
    {
        await server.MustAsync(Policy("{}"), "apply", "-f", "-");

        (await server.MustAsync("", "get", "ocp", "p", "-o", "jsonpath={.spec.mode} {.spec.hostRules} {.spec.lease} {.spec.settle} {.spec.cacheSizes.filter} {.spec.protocols}"))
            .ShouldBe("""Accelerate Respect 5s 2s 65536 ["TCP","UDP","ICMP"]""");
    }

    [Fact]
    public async Task A_field_that_is_not_known_is_refused_by_kubectl_and_else_left_out()
    {
        var (status, said) = await server.KubectlAsync(Policy("{ leese: 10s }"), "apply", "-f", "-");
        status.ShouldNotBe(0);
        said.ShouldContain("leese");

        await server.MustAsync(Policy("{ leese: 10s }"), "apply", "--validate=false", "-f", "-");
        (await server.MustAsync("", "get", "ocp", "p", "-o", "jsonpath={.spec}")).ShouldNotContain("leese");
    }

    [Theory]
    [InlineData("overlaycachepolicies")]
    [InlineData("nodecacheconfigs")]
    public async Task Explain_describes_every_field(string plural)
    {
        var objects = CrdSchema.Parts(plural).Where(part => part.Schema.ContainsKey("properties")).ToArray();
        foreach (var part in objects)
        {
            var path = part.Path.ToString().Replace("[]", "", StringComparison.Ordinal);
            var told = OneLine(await server.MustAsync("", "explain", $"{plural}.{path}"));
            foreach (var (name, field) in part.Schema["properties"]!.AsObject())
            {
                told.ShouldMatch($@"\b{name}\b");
                told.ShouldContain(OneLine((string)field!["description"]!), Case.Sensitive, $"{plural}.{path}.{name}");
            }
        }

        static string OneLine(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    private static string Policy(string spec) =>
        $"""
        apiVersion: oncache.io/v1alpha1
        kind: OverlayCachePolicy
        metadata:
          name: p
        spec: {spec}
        """;
}
