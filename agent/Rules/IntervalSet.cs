using System.Collections.Immutable;

namespace OnCache.Agent.Rules;

/// <summary>A set of numbers as ranges: addresses in host byte order, ports, protocols. Immutable; ranges are ascending and apart.</summary>
internal sealed class IntervalSet : IEquatable<IntervalSet>
{
    private static readonly IntervalSet[] s_singles = [.. Enumerable.Range(0, 256).Select(static number => new IntervalSet([new Interval((uint)number, (uint)number)]))];

    // 0 until it is asked for: walks of thousands of rules ask again and again.
    private int _hash;

    private IntervalSet(ImmutableArray<Interval> intervals) => Intervals = intervals;

    public static IntervalSet Empty { get; } = new([]);

    public static IntervalSet AllAddresses { get; } = Of(0, uint.MaxValue);

    public static IntervalSet AllPorts { get; } = Of(0, ushort.MaxValue);

    public ImmutableArray<Interval> Intervals { get; }

    public bool IsEmpty => Intervals.IsEmpty;

    /// <summary>Smallest and largest, of a set that is not empty.</summary>
    public Interval Hull => new(Intervals[0].First, Intervals[^1].Last);

    public static IntervalSet Of(uint first, uint last) =>
        first > last ? Empty : first == last && first < s_singles.Length ? s_singles[first] : new([new Interval(first, last)]);

    public static IntervalSet Of(IEnumerable<Interval> intervals)
    {
        var ascending = intervals.Where(static one => one.First <= one.Last).ToList();
        if (ascending is [var single])
        {
            return Of(single.First, single.Last);
        }

        ascending.Sort(static (one, other) => one.First.CompareTo(other.First));
        var builder = ImmutableArray.CreateBuilder<Interval>();
        foreach (var interval in ascending)
        {
            if (builder.Count > 0 && interval.First <= (ulong)builder[^1].Last + 1)
            {
                builder[^1] = builder[^1] with { Last = Math.Max(builder[^1].Last, interval.Last) };
            }
            else
            {
                builder.Add(interval);
            }
        }

        return new(builder.ToImmutable());
    }

    public bool Contains(uint number)
    {
        foreach (var interval in Intervals)
        {
            if (interval.First <= number && number <= interval.Last)
            {
                return true;
            }
        }

        return false;
    }

    public bool Overlaps(IntervalSet other)
    {
        int i = 0, j = 0;
        while (i < Intervals.Length && j < other.Intervals.Length)
        {
            var (one, two) = (Intervals[i], other.Intervals[j]);
            if (one.First <= two.Last && two.First <= one.Last)
            {
                return true;
            }

            if (one.Last < two.Last)
            {
                i++;
            }
            else
            {
                j++;
            }
        }

        return false;
    }

    public IntervalSet Intersect(IntervalSet other)
    {
        if (ReferenceEquals(this, other))
        {
            return this;
        }

        if (Intervals is [var only] && other.Intervals is [var single])
        {
            return only.First <= single.First && single.Last <= only.Last ? other
                : single.First <= only.First && only.Last <= single.Last ? this
                : Of(Math.Max(only.First, single.First), Math.Min(only.Last, single.Last));
        }

        var builder = ImmutableArray.CreateBuilder<Interval>();
        int i = 0, j = 0;
        while (i < Intervals.Length && j < other.Intervals.Length)
        {
            var (one, two) = (Intervals[i], other.Intervals[j]);
            var (first, last) = (Math.Max(one.First, two.First), Math.Min(one.Last, two.Last));
            if (first <= last)
            {
                builder.Add(new Interval(first, last));
            }

            if (one.Last < two.Last)
            {
                i++;
            }
            else
            {
                j++;
            }
        }

        // The same set is the same object where it can be: thousands of rules say "tcp".
        return builder.Count == 0 ? Empty
            : other.HasExactly(builder) ? other
            : HasExactly(builder) ? this
            : new(builder.ToImmutable());
    }

    private bool HasExactly(ImmutableArray<Interval>.Builder intervals)
    {
        if (intervals.Count != Intervals.Length)
        {
            return false;
        }

        for (var i = 0; i < intervals.Count; i++)
        {
            if (intervals[i] != Intervals[i])
            {
                return false;
            }
        }

        return true;
    }

    public IntervalSet Union(IntervalSet other) => Of(Intervals.Concat(other.Intervals));

    /// <summary>What is in this and not in the other.</summary>
    public IntervalSet Except(IntervalSet other)
    {
        var builder = ImmutableArray.CreateBuilder<Interval>();
        foreach (var interval in Intervals)
        {
            ulong next = interval.First;
            foreach (var hole in other.Intervals)
            {
                if (hole.Last < next || hole.First > interval.Last)
                {
                    continue;
                }

                if (hole.First > next)
                {
                    builder.Add(new Interval((uint)next, hole.First - 1));
                }

                next = (ulong)hole.Last + 1;
            }

            if (next <= interval.Last)
            {
                builder.Add(new Interval((uint)next, interval.Last));
            }
        }

        return new(builder.ToImmutable());
    }

    public bool Equals(IntervalSet? other) => other is not null && (ReferenceEquals(this, other) || Intervals.SequenceEqual(other.Intervals));

    public override bool Equals(object? obj) => Equals(obj as IntervalSet);

    public override int GetHashCode()
    {
        if (_hash == 0)
        {
            var hash = new HashCode();
            foreach (var interval in Intervals)
            {
                hash.Add(interval);
            }

            _hash = hash.ToHashCode();
        }

        return _hash;
    }
}

/// <summary>From First to Last, both included.</summary>
internal readonly record struct Interval(uint First, uint Last);
