namespace OnCache.Operator.Controllers;

/// <summary>What was written and not seen again yet: a cache lags behind its own writer, and must not make it write twice.</summary>
/// <param name="patience">How long a write is believed in without being seen.</param>
internal sealed class SentWrites(TimeSpan patience)
{
    private readonly Dictionary<string, Sent> _sent = new(StringComparer.Ordinal);

    /// <summary>Notes a write.</summary>
    /// <param name="key">The object.</param>
    /// <param name="text">What was written.</param>
    /// <param name="version">The version that the cache held then.</param>
    /// <param name="now">The time.</param>
    public void Add(string key, string text, string? version, DateTimeOffset now) => _sent[key] = new Sent(text, version, now);

    /// <summary>Whether just this was written and the cache has not moved since.</summary>
    public bool IsUnderway(string key, string text, string? version, DateTimeOffset now) =>
        _sent.TryGetValue(key, out var sent)
        && sent.Text == text
        && sent.Version == version
        && now - sent.At < patience;

    /// <summary>When the object was last written, if it was.</summary>
    public DateTimeOffset? LastAt(string key) => _sent.TryGetValue(key, out var sent) ? sent.At : null;

    /// <summary>Forgets objects that are gone.</summary>
    public void Keep(IReadOnlySet<string> keys)
    {
        foreach (var key in _sent.Keys.Where(key => !keys.Contains(key)).ToArray())
        {
            _ = _sent.Remove(key);
        }
    }

    private sealed record Sent(string Text, string? Version, DateTimeOffset At);
}
