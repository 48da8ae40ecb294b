using OnCache.Api;

namespace OnCache.Operator.Compilation;

/// <summary>Whether one policy selects every pod of another, on a node that both cover.</summary>
internal static class PolicyCoverage
{
    private static readonly LabelSelector Everything = new();

    /// <summary>Whether <paramref name="wide"/> provably selects every pod that <paramref name="narrow"/> selects.</summary>
    public static bool Includes(OverlayCachePolicySpec wide, OverlayCachePolicySpec narrow) =>
        Includes(wide.Namespaces, narrow.Namespaces) && SelectorImplication.Implies(narrow.PodSelector, wide.PodSelector);

    private static bool Includes(NamespaceSelection wide, NamespaceSelection narrow)
    {
        if (wide.Selector is not null && SelectorImplication.Implies(Everything, wide.Selector))
        {
            return true;
        }

        if (IsDefault(wide))
        {
            // A selector by label might select kube-system, which the default leaves out.
            return narrow.Selector is null && !narrow.Names.Contains(NamespaceSelection.SystemNamespace, StringComparer.Ordinal);
        }

        return !IsDefault(narrow)
            && narrow.Names.All(name => wide.Names.Contains(name, StringComparer.Ordinal))
            && (narrow.Selector is null || (wide.Selector is not null && SelectorImplication.Implies(narrow.Selector, wide.Selector)));
    }

    private static bool IsDefault(NamespaceSelection selection) => selection is { Names.Count: 0, Selector: null };
}
