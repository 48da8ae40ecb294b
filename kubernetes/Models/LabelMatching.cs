namespace OnCache.Kubernetes.Models;

/// <summary>Whether labels satisfy a selector: what every kind of selector comes down to.</summary>
public static class LabelMatching
{
    /// <summary>Whether all of <paramref name="wanted"/> are among the labels, with these values.</summary>
    public static bool Carries(IReadOnlyDictionary<string, string> wanted, IReadOnlyDictionary<string, string> labels)
    {
        foreach (var (key, value) in wanted)
        {
            if (!labels.TryGetValue(key, out var actual) || !string.Equals(actual, value, StringComparison.Ordinal))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether a condition on one label holds. As in Kubernetes, NotIn also holds when the label is absent.</summary>
    /// <param name="key">The label.</param>
    /// <param name="comparison"><c>In</c>, <c>NotIn</c>, <c>Exists</c> or <c>DoesNotExist</c>.</param>
    /// <param name="values">The values of <c>In</c> and <c>NotIn</c>.</param>
    /// <param name="labels">The labels.</param>
    /// <exception cref="InvalidOperationException">There is no such comparison; the API server accepts none but these.</exception>
    public static bool Holds(string key, string comparison, IReadOnlyList<string> values, IReadOnlyDictionary<string, string> labels)
    {
        var present = labels.TryGetValue(key, out var actual);
        return comparison switch
        {
            "In" => present && values.Contains(actual, StringComparer.Ordinal),
            "NotIn" => !present || !values.Contains(actual, StringComparer.Ordinal),
            "Exists" => present,
            "DoesNotExist" => !present,
            _ => throw new InvalidOperationException($"operator {comparison} of a label selector is not known"),
        };
    }
}
