using System.Text.Json.Serialization;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Models;

/// <summary>Which traffic of some pods is allowed.</summary>
[KubernetesEntity(Group = "networking.k8s.io", Kind = "NetworkPolicy", PluralName = "networkpolicies")]
public sealed record V1NetworkPolicy : KubernetesObject
{
    /// <summary>The rules.</summary>
    public V1NetworkPolicySpec Spec { get; init; } = new();
}

/// <summary>The rules of a policy.</summary>
public sealed record V1NetworkPolicySpec
{
    /// <summary>The pods it is about, in the policy's namespace.</summary>
    public V1LabelSelector PodSelector { get; init; } = new();

    /// <summary><c>Ingress</c>, <c>Egress</c> or both; absent: ingress, and egress if there are egress rules.</summary>
    public IReadOnlyList<string>? PolicyTypes { get; init; }

    /// <summary>What may come in.</summary>
    public IReadOnlyList<V1NetworkPolicyIngressRule> Ingress { get; init; } = [];

    /// <summary>What may go out.</summary>
    public IReadOnlyList<V1NetworkPolicyEgressRule> Egress { get; init; } = [];
}

/// <summary>What may come in.</summary>
public sealed record V1NetworkPolicyIngressRule
{
    /// <summary>From whom; empty: from anyone.</summary>
    [JsonPropertyName("from")]
    public IReadOnlyList<V1NetworkPolicyPeer> FromProperty { get; init; } = [];

    /// <summary>To which ports; empty: to all.</summary>
    public IReadOnlyList<V1NetworkPolicyPort> Ports { get; init; } = [];
}

/// <summary>What may go out.</summary>
public sealed record V1NetworkPolicyEgressRule
{
    /// <summary>To whom; empty: to anyone.</summary>
    public IReadOnlyList<V1NetworkPolicyPeer> To { get; init; } = [];

    /// <summary>To which ports; empty: to all.</summary>
    public IReadOnlyList<V1NetworkPolicyPort> Ports { get; init; } = [];
}

/// <summary>Some peers.</summary>
public sealed record V1NetworkPolicyPeer
{
    /// <summary>Pods by label.</summary>
    public V1LabelSelector? PodSelector { get; init; }

    /// <summary>In namespaces by label; absent: in the policy's own.</summary>
    public V1LabelSelector? NamespaceSelector { get; init; }

    /// <summary>Addresses.</summary>
    public V1IPBlock? IpBlock { get; init; }
}

/// <summary>A block of addresses with holes.</summary>
public sealed record V1IPBlock
{
    /// <summary>The block.</summary>
    public required string Cidr { get; init; }

    /// <summary>The holes.</summary>
    public IReadOnlyList<string> Except { get; init; } = [];
}

/// <summary>Some ports.</summary>
public sealed record V1NetworkPolicyPort
{
    /// <summary><c>TCP</c>, <c>UDP</c> or <c>SCTP</c>; absent: TCP.</summary>
    public string? Protocol { get; init; }

    /// <summary>A number or a container port's name; absent: all.</summary>
    public IntOrString? Port { get; init; }

    /// <summary>The last port of a range.</summary>
    public int? EndPort { get; init; }
}
