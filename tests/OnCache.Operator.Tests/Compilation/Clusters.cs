using FsCheck;
using FsCheck.Fluent;
using OnCache.Api;
using OnCache.Operator.Compilation;

namespace OnCache.Operator.Tests.Compilation;

/// <summary>Small clusters whose policies often meet.</summary>
internal static class Clusters
{
    private static readonly string[] Keys = ["app", "tier"];
    private static readonly string[] NamespaceNames = ["shop", "bank", "kube-system"];

    public static Gen<LabelSelector> Selectors { get; } =
        from requirements in Gen.SubListOf(Requirements())
        from label in Gen.Elements("web", "db", null, null)
        select new LabelSelector
        {
            MatchLabels = label is null ? Labels() : Labels(("app", label)),
            MatchExpressions = [.. requirements.Take(2)],
        };

    public static Gen<NamespaceSelection> Namespaces { get; } =
        from names in Gen.SubListOf(NamespaceNames)
        from selector in Selectors.OrNull()
        select new NamespaceSelection { Names = [.. names], Selector = selector };

    public static Gen<IReadOnlyDictionary<string, string>> LabelSets { get; } =
        from app in Gen.Elements("web", "db", "x", null)
        from tier in Gen.Elements("web", "db", null)
        select (IReadOnlyDictionary<string, string>)new[] { ("app", app), ("tier", tier) }
            .Where(label => label.Item2 is not null)
            .ToDictionary(label => label.Item1, label => label.Item2!, StringComparer.Ordinal);

    public static Gen<LocalNamespace> Homes { get; } =
        from name in Gen.Elements(NamespaceNames.Append("other").ToArray())
        from labels in LabelSets
        select new LocalNamespace(name, labels);

    private static Gen<bool> Rarely { get; } = Gen.Frequency((1, Gen.Constant(true)), (9, Gen.Constant(false)));

    public static Gen<PolicyExclusions> Exclusions { get; } =
        from cidrs in Gen.SubListOf("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "192.168.0.0/16")
        from wrong in Gen.SubListOf("10.1.2.3/16", "nonsense")
        from isWrong in Rarely
        from ports in Gen.SubListOf(new PortExclusion(TransportProtocol.Tcp, 80), new PortExclusion(TransportProtocol.Udp, 53))
        from isPortWrong in Rarely
        from namespaces in Gen.SubListOf(NamespaceNames)
        from pods in Selectors.OrNull()
        select new PolicyExclusions { Cidrs = [.. cidrs, .. isWrong ? wrong : []], Ports = [.. ports, .. isPortWrong ? [new(TransportProtocol.Tcp, 0)] : Array.Empty<PortExclusion>()], Namespaces = [.. namespaces], PodSelector = pods };

    public static Gen<OverlayCachePolicySpec> Specs { get; } =
        from priority in Gen.Choose(0, 2)
        from nodes in Selectors.OrNull()
        from namespaces in Namespaces
        from pods in Selectors.OrNull()
        from mode in Gen.Elements(Enum.GetValues<AccelerationMode>())
        from rules in Gen.Elements(Enum.GetValues<HostRules>())
        from protocols in Gen.NonEmptyListOf(Gen.Elements(Enum.GetValues<Protocol>()))
        from filter in Gen.Elements(1024, 65_536, 100_000)
        from lease in Gen.Elements(1, 30, 600)
        from settle in Gen.Elements(0, 2, 60)
        from isLate in Rarely
        from exclusions in Exclusions
        select new OverlayCachePolicySpec
        {
            Priority = priority,
            NodeSelector = nodes,
            Namespaces = namespaces,
            PodSelector = pods,
            Mode = mode,
            HostRules = rules,
            Protocols = [.. protocols.Distinct()],
            CacheSizes = new CacheSizes { Filter = filter },
            Lease = TimeSpan.FromSeconds(lease),
            Settle = TimeSpan.FromSeconds(isLate ? 61 : settle),
            Exclusions = exclusions,
        };

    /// <summary>Policies with different names and nodes with different names.</summary>
    public static Gen<(ClusterPolicy[] Policies, ClusterNode[] Nodes)> All { get; } =
        from specs in Gen.ListOf(Specs)
        from ages in Gen.ArrayOf(Gen.Choose(0, 2), specs.Count)
        from labels in Gen.ListOf(LabelSets)
        select (
            specs.Select((spec, i) => new ClusterPolicy($"p{i}", 1, DateTimeOffset.UnixEpoch.AddSeconds(ages[i]), spec)).ToArray(),
            labels.Select((set, i) => new ClusterNode($"n{i}", set)).ToArray());

    public static Dictionary<string, string> Labels(params (string Key, string Value)[] labels) =>
        labels.ToDictionary(label => label.Key, label => label.Value, StringComparer.Ordinal);

    private static IEnumerable<LabelSelectorRequirement> Requirements() =>
        from key in Keys
        from requirement in new[]
        {
            new LabelSelectorRequirement(key, LabelSelectorOperator.In, ["web"]),
            new LabelSelectorRequirement(key, LabelSelectorOperator.In, ["web", "db"]),
            new LabelSelectorRequirement(key, LabelSelectorOperator.NotIn, ["db"]),
            new LabelSelectorRequirement(key, LabelSelectorOperator.NotIn, ["db", "x"]),
            new LabelSelectorRequirement(key, LabelSelectorOperator.Exists, []),
            new LabelSelectorRequirement(key, LabelSelectorOperator.DoesNotExist, []),
        }
        select requirement;
}
