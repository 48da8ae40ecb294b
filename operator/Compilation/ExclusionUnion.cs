using System.Text.Json;
using OnCache.Api;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Operator.Compilation;

/// <summary>The exclusions of all policies that cover a node, together: whatever one of them excludes is excluded.</summary>
internal static class ExclusionUnion
{
    /// <summary>The union, in one order whatever that of the policies is.</summary>
    /// <param name="policies">Invalid ones count too, as far as their entries can be read: on any doubt traffic stays with the CNI.</param>
    public static Exclusions Of(IEnumerable<PolicyExclusions> policies)
    {
        var all = policies.ToArray();
        return new Exclusions
        {
            Cidrs = WithoutContained(all.SelectMany(one => one.Cidrs).SelectMany(Read)),
            Ports =
            [
                .. all.SelectMany(one => one.Ports)
                    .Where(port => PortExclusion.PortBounds.Contains(port.Port))
                    .Distinct()
                    .OrderBy(port => port.Protocol)
                    .ThenBy(port => port.Port),
            ],
            Namespaces = [.. all.SelectMany(one => one.Namespaces).Where(KubernetesName.IsLabel).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
            PodSelectors = Distinct(all.Select(one => one.PodSelector).OfType<LabelSelector>().Where(selector => !FieldRules.Selector("", selector).Any())),
        };
    }

    /// <summary>What does not fit a node's configuration, as the rest of a sentence; <see langword="null"/> when all fits.</summary>
    public static string? Overflow(Exclusions union) =>
        TooMany(union.Cidrs.Count, Exclusions.MaximumEntries, "ranges")
        ?? TooMany(union.Ports.Count, Exclusions.MaximumEntries, "ports")
        ?? TooMany(union.Namespaces.Count, Exclusions.MaximumEntries, "namespaces")
        ?? TooMany(union.PodSelectors.Count, Exclusions.MaximumSelectors, "pod selectors");

    private static string? TooMany(int count, int maximum, string what) => count > maximum
        ? $"its policies exclude {count} {what} together, {maximum} fit: nothing is accelerated there until they are fewer"
        : null;

    private static IEnumerable<Ipv4Cidr> Read(string text) => Ipv4Cidr.TryParse(text, out var cidr, out _) ? [cidr] : [];

    private static List<Ipv4Cidr> WithoutContained(IEnumerable<Ipv4Cidr> cidrs)
    {
        var kept = new List<Ipv4Cidr>();

        // Sorted this way a range comes right after the last one that can contain it.
        foreach (var cidr in cidrs.OrderBy(cidr => cidr.Network).ThenBy(cidr => cidr.PrefixLength))
        {
            if (kept.Count == 0 || !kept[^1].Contains(cidr.Address))
            {
                kept.Add(cidr);
            }
        }

        return kept;
    }

    private static LabelSelector[] Distinct(IEnumerable<LabelSelector> selectors) =>
    [
        .. selectors
            .Select(selector => selector with { MatchLabels = Sorted(selector.MatchLabels) })
            .GroupBy(selector => JsonSerializer.Serialize(selector, KubernetesJson.Contract<LabelSelector>()), StringComparer.Ordinal)
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => group.First()),
    ];

    private static SortedDictionary<string, string> Sorted(IReadOnlyDictionary<string, string> labels)
    {
        var sorted = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in labels)
        {
            sorted.Add(key, value);
        }

        return sorted;
    }
}
