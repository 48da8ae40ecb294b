using OnCache.Kubernetes.Serialization;

namespace OnCache.Api;

/// <summary>The rules that several objects share. Each returns the problems of one field.</summary>
public static class FieldRules
{
    public static IEnumerable<FieldProblem> Within(string field, int value, Bounds<int> bounds)
    {
        if (!bounds.Contains(value))
        {
            yield return new(field, $"{value} is out of range; use {bounds.Minimum} to {bounds.Maximum}");
        }
    }

    public static IEnumerable<FieldProblem> Within(string field, TimeSpan value, Bounds<TimeSpan> bounds)
    {
        if (!bounds.Contains(value))
        {
            yield return new(
                field,
                $"{GoDuration.Format(value)} is out of range; use {GoDuration.Format(bounds.Minimum)} to {GoDuration.Format(bounds.Maximum)}");
        }
    }

    public static IEnumerable<FieldProblem> AtMost(string field, int count, int maximum)
    {
        if (count > maximum)
        {
            yield return new(field, $"{count} entries are too many; use at most {maximum}");
        }
    }

    public static IEnumerable<FieldProblem> Subdomain(string field, string name)
    {
        if (!KubernetesName.IsSubdomain(name))
        {
            yield return new(field, $"\"{name}\" is not a name; use lower-case letters, digits, '-' and '.'");
        }
    }

    public static IEnumerable<FieldProblem> Namespace(string field, string name)
    {
        if (!KubernetesName.IsLabel(name))
        {
            yield return new(field, $"\"{name}\" is not a namespace; use at most 63 lower-case letters, digits and '-'");
        }
    }

    public static IEnumerable<FieldProblem> NamespacedName(string field, string text)
    {
        if (text.Split('/') is not [var home, var name] || !KubernetesName.IsLabel(home) || !KubernetesName.IsSubdomain(name))
        {
            yield return new(field, $"\"{text}\" is not an object of a namespace; use namespace/name");
        }
    }

    public static IEnumerable<FieldProblem> Namespaces(string field, NamespaceSelection selection) =>
    [
        .. AtMost($"{field}.names", selection.Names.Count, NamespaceSelection.MaximumNames),
        .. selection.Names.SelectMany((name, i) => Namespace($"{field}.names[{i}]", name)),
        .. Unique(selection.Names, i => $"{field}.names[{i}]", name => name),
        .. Selector($"{field}.selector", selection.Selector),
    ];

    public static IEnumerable<FieldProblem> Labels(string field, IReadOnlyDictionary<string, string> labels)
    {
        foreach (var (key, value) in labels)
        {
            if (!KubernetesName.IsLabelKey(key))
            {
                yield return new($"{field}.{key}", $"\"{key}\" is not a label key; use [domain/]name with at most 63 letters, digits, '-', '_' and '.'");
            }

            foreach (var problem in LabelValue($"{field}.{key}", value))
            {
                yield return problem;
            }
        }
    }

    public static IEnumerable<FieldProblem> LabelValue(string field, string value)
    {
        if (!KubernetesName.IsLabelValue(value))
        {
            yield return new(field, $"\"{value}\" is not a label value; use at most 63 letters, digits, '-', '_' and '.'");
        }
    }

    public static IEnumerable<FieldProblem> Selector(string field, LabelSelector? selector)
    {
        if (selector is null)
        {
            yield break;
        }

        foreach (var problem in AtMost($"{field}.matchLabels", selector.MatchLabels.Count, LabelSelector.MaximumRequirements)
            .Concat(AtMost($"{field}.matchExpressions", selector.MatchExpressions.Count, LabelSelector.MaximumRequirements))
            .Concat(selector.MatchExpressions.SelectMany((one, i) => AtMost($"{field}.matchExpressions[{i}].values", one.Values.Count, LabelSelectorRequirement.MaximumValues)))
            .Concat(Labels($"{field}.matchLabels", selector.MatchLabels)))
        {
            yield return problem;
        }

        for (var i = 0; i < selector.MatchExpressions.Count; i++)
        {
            var expression = selector.MatchExpressions[i];
            var path = $"{field}.matchExpressions[{i}]";
            if (!KubernetesName.IsLabelKey(expression.Key))
            {
                yield return new($"{path}.key", $"\"{expression.Key}\" is not a label key; use [domain/]name");
            }

            var takesValues = expression.Operator is LabelSelectorOperator.In or LabelSelectorOperator.NotIn;
            if (takesValues && expression.Values.Count == 0)
            {
                yield return new(path, $"operator {expression.Operator} has no values; name at least one");
            }
            else if (!takesValues && expression.Values.Count > 0)
            {
                yield return new($"{path}.values", $"operator {expression.Operator} takes no values; remove them");
            }

            foreach (var problem in expression.Values.SelectMany((value, at) => LabelValue($"{path}.values[{at}]", value)))
            {
                yield return problem;
            }
        }
    }

    public static IEnumerable<FieldProblem> Unique<T>(IReadOnlyList<T> items, Func<int, string> field, Func<T, string?> key)
    {
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < items.Count; i++)
        {
            if (key(items[i]) is { } value && !first.TryAdd(value, i))
            {
                yield return new(field(i), $"{value} is already used by {field(first[value])}; it must be unique");
            }
        }
    }

    public static IEnumerable<FieldProblem> CacheSizes(string field, CacheSizes sizes) =>
    [
        .. Within($"{field}.filter", sizes.Filter, Api.CacheSizes.FilterBounds),
        .. Within($"{field}.egress", sizes.Egress, Api.CacheSizes.EgressBounds),
        .. Within($"{field}.ingress", sizes.Ingress, Api.CacheSizes.IngressBounds),
    ];

    public static IEnumerable<FieldProblem> Cidr(string field, string text)
    {
        if (!Ipv4Cidr.TryParse(text, out _, out var expected))
        {
            yield return new(field, $"{text} is not accepted; {expected}");
        }
    }

    public static IEnumerable<FieldProblem> Ports(string field, IReadOnlyList<PortExclusion> ports) =>
    [
        .. ports.SelectMany((port, i) => Within($"{field}[{i}].port", port.Port, PortExclusion.PortBounds)),
        .. Unique(
            ports,
            i => $"{field}[{i}]",
            port => PortExclusion.PortBounds.Contains(port.Port) ? $"{port.Protocol.ToString().ToUpperInvariant()} {port.Port}" : null),
    ];
}
