using OnCache.Api;

namespace OnCache.Operator.Compilation;

/// <summary>Whether whatever one selector matches is matched by another.</summary>
/// <remarks>Sound, not complete: an answer of yes is a proof; what it does not see is answered with no.</remarks>
internal static class SelectorImplication
{
    /// <summary>Whether <paramref name="wide"/> matches everything that <paramref name="narrow"/> matches; absent matches everything.</summary>
    public static bool Implies(LabelSelector? narrow, LabelSelector? wide)
    {
        var given = Requirements(narrow).ToArray();
        return Requirements(wide).All(wanted => given.Any(known => Implies(known, wanted)));
    }

    private static IEnumerable<LabelSelectorRequirement> Requirements(LabelSelector? selector) => selector is null
        ? []
        : selector.MatchLabels
            .Select(label => new LabelSelectorRequirement(label.Key, LabelSelectorOperator.In, [label.Value]))
            .Concat(selector.MatchExpressions);

    private static bool Implies(LabelSelectorRequirement known, LabelSelectorRequirement wanted) =>
        string.Equals(known.Key, wanted.Key, StringComparison.Ordinal)
        && (known.Operator, wanted.Operator) switch
        {
            (LabelSelectorOperator.In, LabelSelectorOperator.In) => known.Values.All(Within(wanted)),
            (LabelSelectorOperator.In, LabelSelectorOperator.NotIn) => !known.Values.Any(Within(wanted)),
            (LabelSelectorOperator.In or LabelSelectorOperator.Exists, LabelSelectorOperator.Exists) => true,
            (LabelSelectorOperator.NotIn, LabelSelectorOperator.NotIn) => wanted.Values.All(Within(known)),
            (LabelSelectorOperator.DoesNotExist, LabelSelectorOperator.NotIn or LabelSelectorOperator.DoesNotExist) => true,
            _ => false,
        };

    private static Func<string, bool> Within(LabelSelectorRequirement requirement) =>
        value => requirement.Values.Contains(value, StringComparer.Ordinal);
}
