using System.Numerics;

namespace OnCache.Kubernetes.Events;

/// <summary>What to do with an event.</summary>
internal abstract record EventDecision
{
    private EventDecision()
    {
    }

    /// <summary>Write it as a new one.</summary>
    public sealed record Create : EventDecision;

    /// <summary>Write the count of the one named.</summary>
    public sealed record Repeat(string Name, int Count) : EventDecision;

    /// <summary>Write nothing: it was counted, or its object has had too many.</summary>
    public sealed record Skip : EventDecision;
}

/// <summary>
/// Keeps the API server from drowning in events. The same event again within the window is counted, and the count written when it has
/// doubled, so n repetitions cost log n writes; and an object may have a burst of different events, then one more per refill.
/// </summary>
internal sealed class EventJournal
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(6);
    private static readonly TimeSpan Refill = TimeSpan.FromMinutes(5);
    private const int Burst = 25;
    private const int Capacity = 2048;

    private readonly Dictionary<EventKey, Entry> _entries = [];
    private readonly Dictionary<string, Allowance> _allowances = new(StringComparer.Ordinal);

    /// <summary>How much is remembered.</summary>
    public int Remembered => _entries.Count + _allowances.Count;

    public EventDecision Decide(EventKey key, DateTimeOffset now)
    {
        Forget(now);
        if (_entries.TryGetValue(key, out var entry) && now - entry.Last <= Window)
        {
            entry = entry with { Count = entry.Count + 1, Last = now };
            _entries[key] = entry;
            return entry.Name is not null && BitOperations.IsPow2(entry.Count)
                ? new EventDecision.Repeat(entry.Name, entry.Count)
                : new EventDecision.Skip();
        }

        var allowance = _allowances.TryGetValue(key.Uid, out var known) ? known.At(now) : new Allowance(Burst, now);
        if (allowance.Left < 1)
        {
            return new EventDecision.Skip();
        }

        _allowances[key.Uid] = allowance with { Left = allowance.Left - 1 };
        _entries[key] = new Entry(Name: null, Count: 1, now);
        return new EventDecision.Create();
    }

    /// <summary>Notes under which name an event was written.</summary>
    public void Written(EventKey key, string name)
    {
        if (_entries.TryGetValue(key, out var entry))
        {
            _entries[key] = entry with { Name = name };
        }
    }

    /// <summary>Notes that an event was not written, or is no longer there: the next one is a new one.</summary>
    public void Lost(EventKey key) => _entries.Remove(key);

    // Cheap on average: only when full, and then a good part goes.
    private void Forget(DateTimeOffset now)
    {
        if (_entries.Count >= Capacity)
        {
            foreach (var key in _entries.OrderBy(entry => entry.Value.Last).Take(Capacity / 2).Select(entry => entry.Key).ToArray())
            {
                _ = _entries.Remove(key);
            }
        }

        if (_allowances.Count >= Capacity)
        {
            var rested = _allowances.OrderByDescending(allowance => allowance.Value.At(now).Left).Take(Capacity / 2);
            foreach (var uid in rested.Select(pair => pair.Key).ToArray())
            {
                _ = _allowances.Remove(uid);
            }
        }
    }

    private sealed record Entry(string? Name, int Count, DateTimeOffset Last);

    private sealed record Allowance(double Left, DateTimeOffset Since)
    {
        public Allowance At(DateTimeOffset now) => new(Math.Min(Burst, Left + ((now - Since) / Refill)), now);
    }
}
