using OnCache.Api;

namespace OnCache.Agent.Configuration;

/// <summary>The fields of a <see cref="NodeCacheConfig"/> document.</summary>
internal static class NodeCacheConfigFields
{
    private static readonly Func<string, Parse<TransportProtocol>> Transport =
        Parse.OneOf(("TCP", TransportProtocol.Tcp), ("UDP", TransportProtocol.Udp));

    private static readonly Func<string, Parse<Protocols>> Protocol =
        Parse.OneOf(("TCP", Protocols.Tcp), ("UDP", Protocols.Udp), ("ICMP", Protocols.Icmp));

    private static readonly Func<string, Parse<AccelerationMode>> Mode = Parse.OneOf(
        (nameof(AccelerationMode.Accelerate), AccelerationMode.Accelerate),
        (nameof(AccelerationMode.Observe), AccelerationMode.Observe),
        (nameof(AccelerationMode.Disabled), AccelerationMode.Disabled));

    private static readonly Func<string, Parse<HostRules>> Rules =
        Parse.OneOf((nameof(HostRules.Respect), HostRules.Respect), (nameof(HostRules.Ignore), HostRules.Ignore));

    private static readonly Func<string, Parse<LabelSelectorOperator>> Operator = Parse.OneOf(
        (nameof(LabelSelectorOperator.In), LabelSelectorOperator.In),
        (nameof(LabelSelectorOperator.NotIn), LabelSelectorOperator.NotIn),
        (nameof(LabelSelectorOperator.Exists), LabelSelectorOperator.Exists),
        (nameof(LabelSelectorOperator.DoesNotExist), LabelSelectorOperator.DoesNotExist));

    public static NodeCacheConfig Read(FieldReader document) => new(
        ObjectMetaFields.Read(document),
        document.RequiredObject("spec", "{ policies: [ { name: default } ] }", Spec) ?? new NodeCacheConfigSpec());

    private static NodeCacheConfigSpec Spec(FieldReader spec)
    {
        var defaults = new NodeCacheConfigSpec();
        return new NodeCacheConfigSpec
        {
            CacheSizes = spec.Object("cacheSizes", Sizes) ?? defaults.CacheSizes,
            Lease = spec.Parsed("lease", defaults.Lease, Parse.Duration),
            Settle = spec.Parsed("settle", defaults.Settle, Parse.Duration),
            Exclusions = spec.Object("exclusions", Excluded) ?? defaults.Exclusions,
            Policies = spec.Objects("policies", Policy),
        };
    }

    private static CacheSizes Sizes(FieldReader sizes)
    {
        var defaults = new CacheSizes();
        return new CacheSizes
        {
            Filter = sizes.Integer("filter", defaults.Filter),
            Egress = sizes.Integer("egress", defaults.Egress),
            Ingress = sizes.Integer("ingress", defaults.Ingress),
        };
    }

    private static Exclusions Excluded(FieldReader exclusions) => new()
    {
        Cidrs = exclusions.Scalars("cidrs", Parse.Cidr) ?? [],
        Ports = exclusions.Objects("ports", Port),
        Namespaces = exclusions.Texts("namespaces"),
        PodSelectors = exclusions.Objects("podSelectors", Selector),
    };

    private static PortExclusion Port(FieldReader port) => new(
        port.Required("protocol", "TCP", TransportProtocol.Tcp, Transport),
        port.RequiredInteger("port", "443"));

    private static CachePolicy Policy(FieldReader policy)
    {
        var listed = policy.Scalars("protocols", Protocol);
        return new CachePolicy
        {
            Name = policy.RequiredText("name", "default"),
            Priority = policy.Integer("priority", 0),
            Mode = policy.Parsed("mode", AccelerationMode.Accelerate, Mode),
            HostRules = policy.Parsed("hostRules", HostRules.Respect, Rules),
            Protocols = listed?.Aggregate(Protocols.None, (all, one) => all | one) ?? Protocols.All,
            Namespaces = policy.Object("namespaces", NamespacesOf) ?? new NamespaceSelection(),
            PodSelector = policy.Object("podSelector", Selector),
        };
    }

    private static NamespaceSelection NamespacesOf(FieldReader namespaces) => new()
    {
        Names = namespaces.Texts("names"),
        Selector = namespaces.Object("selector", Selector),
    };

    public static LabelSelector Selector(FieldReader selector) => new()
    {
        MatchLabels = selector.Map("matchLabels"),
        MatchExpressions = selector.Objects("matchExpressions", Requirement),
    };

    private static LabelSelectorRequirement Requirement(FieldReader requirement)
    {
        var key = requirement.RequiredText("key", "app");
        var values = requirement.Texts("values");

        // Where the operator cannot be read, one that fits the values keeps the rules from judging them.
        var fitting = values.Count > 0 ? LabelSelectorOperator.In : LabelSelectorOperator.Exists;
        return new LabelSelectorRequirement(key, requirement.Required("operator", "In", fitting, Operator), values);
    }
}
