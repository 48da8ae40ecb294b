using System.Net;
using FsCheck;
using FsCheck.Fluent;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.NetworkPolicies;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Tests.NetworkPolicies;

/// <summary>Policies and pods that often meet.</summary>
internal static class PolicySamples
{
    private static readonly string[] Namespaces = ["shop", "bank"];

    public static Gen<IReadOnlyDictionary<string, string>> LabelSets { get; } =
        from app in Gen.Elements("web", "db", null)
        from tier in Gen.Elements("a", "b", null)
        select (IReadOnlyDictionary<string, string>)new[] { ("app", app), ("tier", tier) }
            .Where(label => label.Item2 is not null)
            .ToDictionary(label => label.Item1, label => label.Item2!, StringComparer.Ordinal);

    public static Gen<V1LabelSelector> Selectors { get; } =
        from app in Gen.Elements("web", "db", null, null)
        from comparison in Gen.Elements("In", "NotIn", "Exists", "DoesNotExist", null, null)
        select new V1LabelSelector
        {
            MatchLabels = app is null ? [] : new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = app },
            MatchExpressions = comparison is null
                ? []
                : [new V1LabelSelectorRequirement { Key = "tier", OperatorProperty = comparison, Values = comparison is "In" or "NotIn" ? ["a"] : [] }],
        };

    public static Gen<IPAddress> Addresses { get; } = Gen.Choose(1, 6).Select(last => IPAddress.Parse($"10.0.0.{last}"));

    public static Gen<PolicyPod> Pods { get; } =
        from home in Gen.Elements(Namespaces)
        from name in Gen.Elements("p", "q", "r")
        from labels in LabelSets
        from homeLabels in LabelSets
        from number in Gen.Choose(1, 3)
        select new PolicyPod(new NamespacedName(home, name), labels, homeLabels) { Ports = [new NamedPort("api", "TCP", number)] };

    public static Gen<TrafficEnd> Ends { get; } =
        from address in Addresses
        from pod in Pods.OrNull()
        select new TrafficEnd(address, pod);

    public static Gen<TrafficPort> Ports { get; } =
        from protocol in Gen.Elements("TCP", "UDP", "ICMP")
        from number in Gen.Choose(1, 4)
        select new TrafficPort(protocol, protocol == "ICMP" ? null : number);

    private static Gen<V1NetworkPolicyPeer> Peers { get; } = Gen.OneOf(
        Selectors.Select(pods => new V1NetworkPolicyPeer { PodSelector = pods }),
        Selectors.Select(homes => new V1NetworkPolicyPeer { NamespaceSelector = homes }),
        from pods in Selectors
        from homes in Selectors
        select new V1NetworkPolicyPeer { PodSelector = pods, NamespaceSelector = homes },
        from hole in Gen.Choose(0, 7)
        select new V1NetworkPolicyPeer { IpBlock = new V1IPBlock { Cidr = "10.0.0.0/29", Except = [$"10.0.0.{hole}/32"] } });

    private static Gen<V1NetworkPolicyPort> PolicyPorts { get; } =
        from protocol in Gen.Elements("TCP", "UDP", null)
        from port in Gen.Elements<IntOrString?>(new IntOrString(2), new IntOrString("api"), null)
        from end in Gen.Elements<int?>(3, null)
        select new V1NetworkPolicyPort { Protocol = protocol, Port = port, EndPort = port?.Number is null ? null : end };

    public static Gen<PolicyRule> Rules { get; } =
        from peers in Few(Peers)
        from ports in Few(PolicyPorts)
        select new PolicyRule(peers, ports);

    public static Gen<V1NetworkPolicy> Policies { get; } =
        from home in Gen.Elements(Namespaces)
        from selector in Selectors
        from types in Gen.Elements<string[]?>(null, ["Ingress"], ["Egress"], ["Ingress", "Egress"])
        from ingress in Few(Rules)
        from egress in Few(Rules)
        select new V1NetworkPolicy
        {
            Metadata = new V1ObjectMeta { NamespaceProperty = home, Name = "policy" },
            Spec = new V1NetworkPolicySpec
            {
                PodSelector = selector,
                PolicyTypes = types,
                Ingress = [.. ingress.Select(rule => new V1NetworkPolicyIngressRule { FromProperty = rule.Peers, Ports = rule.Ports })],
                Egress = [.. egress.Select(rule => new V1NetworkPolicyEgressRule { To = rule.Peers, Ports = rule.Ports })],
            },
        };

    public static Gen<V1NetworkPolicy[]> PolicySets { get; } = Few(Policies, 3);

    public static Gen<PeerPresence?> Presences { get; } =
        (from pod in Pods
         from addresses in Gen.NonEmptyListOf(Addresses)
         select new PeerPresence(pod, [.. addresses.Take(2).Distinct()])).OrNull()!;

    private static Gen<T[]> Few<T>(Gen<T> item, int most = 2) => Gen.Choose(0, most).SelectMany(count => Gen.ArrayOf(item, count));
}
