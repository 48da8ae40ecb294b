using System.Globalization;
using System.Text;
using OnCache.Agent.Telemetry;
using OnCache.Api;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd.Fixture;

/// <summary>An agent's configuration as a test wants it: one policy, and the pods that the node has at the moment of writing.</summary>
/// <remarks>Values are YAML and are written as they are, wrong ones too. Settling is short: tests wait for it after every flush.</remarks>
internal sealed record AgentConfig
{
    public string Settle { get; init; } = "100ms";

    /// <summary>Longer than by default: what ends a verdict is to be what the test is about.</summary>
    public string Lease { get; init; } = "10m";

    public string Mode { get; init; } = "Accelerate";

    /// <summary>A list such as <c>[TCP]</c>; null for all.</summary>
    public string? Protocols { get; init; }

    /// <summary>A map such as <c>{ cidrs: [10.0.0.0/8] }</c>.</summary>
    public string? Exclusions { get; init; }

    /// <summary>A map such as <c>{ filter: 2048 }</c>.</summary>
    public string? CacheSizes { get; init; }

    /// <summary>The value of <c>oncache.io/accelerate</c> on every pod.</summary>
    public string? Annotation { get; init; }

    /// <summary>A list of NetworkPolicies such as <c>[]</c>; null where they are not known.</summary>
    public string? NetworkPolicies { get; init; }

    /// <summary>The uid of the pods to leave out.</summary>
    public IReadOnlyList<Guid> Without { get; init; } = [];

    public string Render(LabNode node)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            apiVersion: oncache.io/v1alpha1
            kind: NodeCacheConfig
            metadata:
              name: {node.Name}
            spec:
              settle: {Settle}
              lease: {Lease}

            """);
        Field(text, "  exclusions", Exclusions);
        Field(text, "  cacheSizes", CacheSizes);
        text.Append(CultureInfo.InvariantCulture, $"""
              policies:
              - name: tested
                mode: {Mode}

            """);
        Field(text, "    protocols", Protocols);
        text.Append(CultureInfo.InvariantCulture, $$"""
            ---
            apiVersion: oncache.io/v1alpha1
            kind: LocalEndpoints
            metadata:
              name: {{node.Name}}
            namespaces:
            - name: default
              labels: {}
            endpoints:

            """);
        foreach (var pod in node.Pods.Where(pod => !Without.Contains(pod.Uid)))
        {
            text.Append(CultureInfo.InvariantCulture, $$"""
                - name: {{pod.Name}}
                  namespace: default
                  uid: "{{pod.Uid}}"
                  ip: {{pod.Address}}
                  labels: { app: {{pod.Name}} }

                """);
            Field(text, "  annotations", Annotation is null ? null : $"{{ oncache.io/accelerate: \"{Annotation}\" }}");
        }

        Field(text, "networkPolicies", NetworkPolicies);
        return text.ToString();
    }

    /// <summary>Whether the agent has the pods and gives them this treatment, so far as it can be told from here.</summary>
    public bool ShowsIn(AgentStatus status, LabNode node)
    {
        var pods = node.Pods.Where(pod => !Without.Contains(pod.Uid)).Select(static pod => pod.Uid.ToString());
        return status.Endpoints.Select(static endpoint => endpoint.Uid).SequenceEqual(pods)
            && (Annotation is not null || Exclusions is not null || status.Endpoints.All(Treats));
    }

    /// <summary>Whether the difference voids flows that are cached, which the status tells as a flush.</summary>
    public bool VoidsFlowsOf(AgentConfig former) =>
        Lease != former.Lease || (Exclusions != former.Exclusions && $"{Exclusions}{former.Exclusions}" is var both
            && (both.Contains("cidrs", StringComparison.Ordinal) || both.Contains("ports", StringComparison.Ordinal)));

    private bool Treats(EndpointStatus endpoint) =>
        $"{endpoint.Mode}" == Mode
        && (endpoint.Mode == AccelerationMode.Disabled
            || $"[{string.Join(", ", endpoint.Protocols)}]" == (Protocols ?? "[TCP, UDP, ICMP]"));

    private static void Field(StringBuilder text, string name, string? value)
    {
        if (value is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\n");
        }
    }
}
