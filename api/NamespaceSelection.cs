using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Api;

/// <summary>Namespaces by name and by label: the union of both. With neither, every namespace but <c>kube-system</c>.</summary>
public sealed record NamespaceSelection
{
    /// <summary>The namespace that has to be named, or selected by label, to be covered.</summary>
    public const string SystemNamespace = "kube-system";

    /// <summary>The most <see cref="Names"/>.</summary>
    public const int MaximumNames = 250;

    /// <summary>Namespaces by name.</summary>
    [Items(maxItems: MaximumNames)]
    [ListType(ListType.Set)]
    [Pattern(FieldPatterns.Namespace, OnItems = true)]
    [Length(1, 63, OnItems = true)]
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>Namespaces by label; the empty selector selects every one, <c>kube-system</c> included.</summary>
    public LabelSelector? Selector { get; init; }

    /// <summary>Whether the namespace is covered.</summary>
    public bool Covers(LocalNamespace candidate)
    {
        if (Names.Count == 0 && Selector is null)
        {
            return !string.Equals(candidate.Name, SystemNamespace, StringComparison.Ordinal);
        }

        return Names.Contains(candidate.Name, StringComparer.Ordinal) || Selector?.Matches(candidate.Labels) == true;
    }
}
