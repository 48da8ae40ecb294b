using FsCheck;
using FsCheck.Fluent;
using OnCache.Kubernetes.Models;

namespace OnCache.Operator.Tests.Peers;

/// <summary>Pods, namespaces and policies that often meet.</summary>
internal static class PeerSamples
{
    private static readonly string[] Homes = ["shop", "bank"];

    private static Gen<Dictionary<string, string>> Labels { get; } =
        from app in Gen.Elements("web", "db", null)
        from tier in Gen.Elements("a", null)
        select new[] { ("app", app), ("tier", tier) }
            .Where(label => label.Item2 is not null)
            .ToDictionary(label => label.Item1, label => label.Item2!, StringComparer.Ordinal);

    private static Gen<V1LabelSelector> Selectors { get; } =
        from app in Gen.Elements("web", "db", null)
        from tier in Gen.Elements("Exists", "DoesNotExist", null, null)
        select new V1LabelSelector
        {
            MatchLabels = app is null ? [] : new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = app },
            MatchExpressions = tier is null ? [] : [new V1LabelSelectorRequirement { Key = "tier", OperatorProperty = tier }],
        };

    public static Gen<V1Pod> Pods { get; } =
        from uid in Gen.Choose(1, 5)
        from labels in Labels
        from address in Gen.Choose(0, 3)
        from phase in Gen.Frequency((5, Gen.Constant("Running")), (1, Gen.Constant("Succeeded")))
        from isHost in Gen.Frequency((9, Gen.Constant(false)), (1, Gen.Constant(true)))
        select Pod($"{Homes[uid % 2]}/p{uid}", $"n{uid % 3}", address == 0 ? null : $"10.0.0.{address}", labels, phase, isHost) with { };

    public static Gen<V1Namespace> Namespaces { get; } =
        from name in Gen.Elements(Homes)
        from labels in Labels
        select new V1Namespace { Metadata = new V1ObjectMeta { Name = name, Labels = labels } };

    public static Gen<V1NetworkPolicy[]> PolicySets { get; } = Gen.Choose(1, 4).SelectMany(count => Gen.ArrayOf(
        from home in Gen.Elements(Homes)
        from selector in Selectors
        from peers in Gen.Choose(1, 2).SelectMany(peers => Gen.ArrayOf(
            from pods in Selectors.OrNull()
            from homes in Selectors.OrNull()
            select new V1NetworkPolicyPeer { PodSelector = pods is null && homes is null ? new V1LabelSelector() : pods, NamespaceSelector = homes },
            peers))
        from isEgress in Gen.Elements(true, false)
        select (home, selector, peers, isEgress),
        count)).Select(items => items.Select((item, i) => Policy(
            $"{item.home}/policy{i}",
            new V1NetworkPolicySpec
            {
                PodSelector = item.selector,
                PolicyTypes = [item.isEgress ? "Egress" : "Ingress"],
                Ingress = item.isEgress ? [] : [new V1NetworkPolicyIngressRule { FromProperty = item.peers }],
                Egress = item.isEgress ? [new V1NetworkPolicyEgressRule { To = item.peers }] : [],
            })).ToArray());

    public static V1Pod Pod(string name, string node, string? address, Dictionary<string, string> labels, string phase = "Running", bool isHost = false) => new()
    {
        Metadata = new V1ObjectMeta
        {
            NamespaceProperty = name.Split('/')[0],
            Name = name.Split('/')[1],
            Uid = name,
            CreationTimestamp = DateTimeOffset.UnixEpoch.AddSeconds(name[^1]),
            Labels = labels,
        },
        Spec = new V1PodSpec { NodeName = node, HostNetwork = isHost },
        Status = new V1PodStatus { Phase = phase, PodIP = address, PodIPs = address is null ? [] : [new V1PodIP(address)] },
    };

    public static V1NetworkPolicy Policy(string name, V1NetworkPolicySpec spec) => new()
    {
        Metadata = new V1ObjectMeta { NamespaceProperty = name.Split('/')[0], Name = name.Split('/')[1] },
        Spec = spec,
    };
}
