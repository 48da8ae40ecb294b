using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Agent.Configuration;

/// <summary>The fields of a NetworkPolicy, as Kubernetes names them.</summary>
internal static class NetworkPolicyFields
{
    private static readonly Func<string, Parse<string>> Type = Parse.OneOf(("Ingress", "Ingress"), ("Egress", "Egress"));
    private static readonly Func<string, Parse<string>> Protocol = Parse.OneOf(("TCP", "TCP"), ("UDP", "UDP"), ("SCTP", "SCTP"));

    public static V1NetworkPolicy Read(FieldReader policy) => new()
    {
        Metadata = policy.RequiredObject("metadata", "{ name: web, namespace: default }", Metadata) ?? new V1ObjectMeta(),
        Spec = policy.RequiredObject("spec", "{ podSelector: {} }", Spec) ?? new V1NetworkPolicySpec(),
    };

    private static V1ObjectMeta Metadata(FieldReader metadata) => new()
    {
        Name = metadata.RequiredText("name", "web"),
        NamespaceProperty = metadata.RequiredText("namespace", "default"),
    };

    private static V1NetworkPolicySpec Spec(FieldReader spec) => new()
    {
        PodSelector = spec.RequiredObject("podSelector", "{}", Selector) ?? new V1LabelSelector(),
        PolicyTypes = spec.Scalars("policyTypes", Type),
        Ingress = spec.Objects("ingress", static rule => new V1NetworkPolicyIngressRule
        {
            FromProperty = rule.Objects("from", Peer),
            Ports = rule.Objects("ports", Port),
        }),
        Egress = spec.Objects("egress", static rule => new V1NetworkPolicyEgressRule
        {
            To = rule.Objects("to", Peer),
            Ports = rule.Objects("ports", Port),
        }),
    };

    private static V1NetworkPolicyPeer Peer(FieldReader peer) => new()
    {
        PodSelector = peer.Object("podSelector", Selector),
        NamespaceSelector = peer.Object("namespaceSelector", Selector),
        IpBlock = peer.Object("ipBlock", static block => new V1IPBlock
        {
            Cidr = block.RequiredText("cidr", "10.0.0.0/8"),
            Except = block.Texts("except"),
        }),
    };

    private static V1NetworkPolicyPort Port(FieldReader port) => new()
    {
        Protocol = port.Parsed<string?>("protocol", otherwise: null, Protocol!),
        Port = port.Parsed<IntOrString?>("port", otherwise: null, static text => new(
            Read: true, int.TryParse(text, out var number) ? new IntOrString(number) : new IntOrString(text), "")),
        EndPort = port.Integer("endPort", otherwise: 0) is var last and > 0 ? last : null,
    };

    private static V1LabelSelector Selector(FieldReader reader)
    {
        var selector = NodeCacheConfigFields.Selector(reader);
        return new V1LabelSelector
        {
            MatchLabels = selector.MatchLabels,
            MatchExpressions =
            [
                .. selector.MatchExpressions.Select(static one => new V1LabelSelectorRequirement
                {
                    Key = one.Key,
                    OperatorProperty = one.Operator.ToString(),
                    Values = one.Values,
                }),
            ],
        };
    }
}
