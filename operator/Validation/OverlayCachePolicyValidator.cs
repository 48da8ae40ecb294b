using FluentValidation;
using OnCache.Api;

namespace OnCache.Operator.Validation;

/// <summary>The rules of the schema and of its CEL expressions as code, for clusters that do not know CEL and for objects stored before the rules.</summary>
internal sealed class OverlayCachePolicyValidator : AbstractValidator<OverlayCachePolicySpec>
{
    public OverlayCachePolicyValidator()
    {
        Rule(spec => spec.Priority, value => FieldRules.Within("spec.priority", value, OverlayCachePolicySpec.PriorityBounds));
        Rule(spec => spec.NodeSelector, value => FieldRules.Selector("spec.nodeSelector", value));
        Rule(spec => spec.Namespaces, value => FieldRules.Namespaces("spec.namespaces", value));
        Rule(spec => spec.PodSelector, value => FieldRules.Selector("spec.podSelector", value));
        Rule(spec => spec.Protocols, Protocols);
        Rule(spec => spec.CacheSizes, value => FieldRules.CacheSizes("spec.cacheSizes", value));
        Rule(spec => spec.Exclusions, Exclusions);
        Rule(spec => spec.Lease, value => FieldRules.Within("spec.lease", value, NodeCacheConfigSpec.LeaseBounds));
        Rule(spec => spec.Settle, value => FieldRules.Within("spec.settle", value, NodeCacheConfigSpec.SettleBounds));
    }

    private static IEnumerable<FieldProblem> Protocols(IReadOnlyList<Protocol> protocols) => protocols.Count == 0
        ? [new FieldProblem("spec.protocols", "no protocol is listed; list TCP, UDP or ICMP, or leave the field out for all")]
        : FieldRules.Unique(protocols, i => $"spec.protocols[{i}]", protocol => protocol.ToString().ToUpperInvariant());

    private static IEnumerable<FieldProblem> Exclusions(PolicyExclusions exclusions) =>
    [
        .. FieldRules.AtMost("spec.exclusions.namespaces", exclusions.Namespaces.Count, PolicyExclusions.MaximumEntries),
        .. exclusions.Namespaces.SelectMany((name, i) => FieldRules.Namespace($"spec.exclusions.namespaces[{i}]", name)),
        .. FieldRules.Unique(exclusions.Namespaces, i => $"spec.exclusions.namespaces[{i}]", name => name),
        .. FieldRules.Selector("spec.exclusions.podSelector", exclusions.PodSelector),
        .. FieldRules.AtMost("spec.exclusions.cidrs", exclusions.Cidrs.Count, PolicyExclusions.MaximumEntries),
        .. exclusions.Cidrs.SelectMany((text, i) => FieldRules.Cidr($"spec.exclusions.cidrs[{i}]", text)),
        .. FieldRules.Unique(exclusions.Cidrs, i => $"spec.exclusions.cidrs[{i}]", text => text),
        .. FieldRules.AtMost("spec.exclusions.ports", exclusions.Ports.Count, PolicyExclusions.MaximumEntries),
        .. FieldRules.Ports("spec.exclusions.ports", exclusions.Ports),
    ];

    private void Rule<T>(System.Linq.Expressions.Expression<Func<OverlayCachePolicySpec, T>> field, Func<T, IEnumerable<FieldProblem>> check) =>
        RuleFor(field).Custom((value, context) =>
        {
            foreach (var problem in check(value))
            {
                context.AddFailure(problem.Field, problem.Message);
            }
        });
}
