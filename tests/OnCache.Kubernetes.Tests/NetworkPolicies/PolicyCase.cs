using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.NetworkPolicies;
using OnCache.Kubernetes.Serialization;
using OnCache.Kubernetes.Tests.Fakes;
using YamlDotNet.Serialization;

namespace OnCache.Kubernetes.Tests.NetworkPolicies;

/// <summary>A file of <c>cases</c>: a small cluster, its policies, and what they allow.</summary>
internal sealed record PolicyCase
{
    private static readonly JsonSerializerOptions s_json = new(KubernetesJson.Options)
    {
        TypeInfoResolver = TestContractsAttribute.WithReflection,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>Labels by namespace.</summary>
    public required Dictionary<string, Dictionary<string, string>> Namespaces { get; init; }

    /// <summary>Pods by <c>namespace/name</c>.</summary>
    public required Dictionary<string, CasePod> Pods { get; init; }

    public IReadOnlyList<V1NetworkPolicy> Policies { get; init; } = [];

    public IReadOnlyList<CaseTraffic> Traffic { get; init; } = [];

    /// <summary>By pod, the directions in which everything is provably allowed.</summary>
    public Dictionary<string, TrafficDirections> Unrestricted { get; init; } = [];

    public IReadOnlyList<CaseChange> Changes { get; init; } = [];

    public static PolicyCase Read(string file)
    {
        var graph = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build().Deserialize<object>(File.ReadAllText(file));
        return JsonSerializer.Deserialize<PolicyCase>(new SerializerBuilder().JsonCompatible().Build().Serialize(graph), s_json)!;
    }

    public PolicyPod Pod(string name, CasePod? pod = null)
    {
        pod ??= Pods[name];
        var parts = name.Split('/');
        var labels = new Dictionary<string, string>(pod.NamespaceLabels ?? Namespaces[parts[0]], StringComparer.Ordinal) { ["kubernetes.io/metadata.name"] = parts[0] };
        return new PolicyPod(new NamespacedName(parts[0], parts[1]), pod.Labels, labels) { Ports = pod.Ports };
    }

    /// <summary>A pod by its name, or an address that is no pod's.</summary>
    public TrafficEnd End(string text) =>
        Pods.TryGetValue(text, out var pod) ? new TrafficEnd(IPAddress.Parse(pod.Ip), Pod(text)) : new TrafficEnd(IPAddress.Parse(text));

    public PeerPresence? Presence(string name, CasePod? pod) => pod is null ? null : new PeerPresence(Pod(name, pod), [IPAddress.Parse(pod.Ip)]);
}

internal sealed record CasePod
{
    public required string Ip { get; init; }

    public Dictionary<string, string> Labels { get; init; } = [];

    /// <summary>In a change: the labels of its namespace then, where they differ.</summary>
    public Dictionary<string, string>? NamespaceLabels { get; init; }

    public IReadOnlyList<NamedPort> Ports { get; init; } = [];
}

/// <param name="From">A pod or an address.</param>
/// <param name="To">A pod or an address.</param>
/// <param name="Port">A protocol, and its port.</param>
/// <param name="Allowed">Whether it is allowed.</param>
internal sealed record CaseTraffic(string From, string To, string Port, bool Allowed)
{
    public TrafficPort Parsed => Port.Split(' ') is [var protocol, var number]
        ? new TrafficPort(protocol, int.Parse(number, System.Globalization.CultureInfo.InvariantCulture))
        : new TrafficPort(Port, Number: null);
}

/// <param name="Pod">Its name.</param>
/// <param name="Before">As it was; absent when it is new.</param>
/// <param name="After">As it is; absent when it is gone.</param>
/// <param name="Expected">By policy, what changes; policies left out see no difference.</param>
internal sealed record CaseChange(string Pod, CasePod? Before, CasePod? After, Dictionary<string, PeerChange> Expected);
