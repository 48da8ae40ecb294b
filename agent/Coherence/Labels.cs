namespace OnCache.Agent.Coherence;

/// <summary>Comparison of label sets.</summary>
internal static class Labels
{
    public static IReadOnlyDictionary<string, string> None { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public static bool Same(IReadOnlyDictionary<string, string> one, IReadOnlyDictionary<string, string> other) =>
        one.Count == other.Count
        && one.All(label => other.TryGetValue(label.Key, out var value) && string.Equals(label.Value, value, StringComparison.Ordinal));
}
