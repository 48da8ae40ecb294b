using OnCache.Agent.Net.Netfilter;

namespace OnCache.Agent.Rules;

/// <summary>
/// Elements with both ends. The kernel lists the end of an interval as an element of its own, the first key beyond, and leaves it out where the
/// interval runs to the last key there is, or where the next one begins. Pure.
/// </summary>
internal static class NftIntervals
{
    /// <summary>The elements of a whole list, in the order of their keys, each with its last key but for one that matches all the rest.</summary>
    /// <param name="hasEnds">The set's elements are ends of intervals.</param>
    public static IReadOnlyList<NftElement> Of(IEnumerable<NftElement> listed, bool hasEnds)
    {
        var sorted = Sorted(listed);
        var whole = new List<NftElement>(sorted.Count);
        byte[]? beyond = null;
        for (var i = sorted.Count - 1; i >= 0; i--)
        {
            var element = sorted[i];
            if (i + 1 < sorted.Count && !element.Key.AsSpan().SequenceEqual(sorted[i + 1].Key))
            {
                beyond = sorted[i + 1].Key;
            }

            if (!element.IsEnd)
            {
                whole.Add(
                    element.KeyEnd is not null || element.IsCatchAll ? element
                    : !hasEnds ? element with { KeyEnd = element.Key }
                    : element with { KeyEnd = beyond is null ? Filled(element.Key.Length) : Before(beyond) });
            }
        }

        whole.Reverse();
        return whole;
    }

    /// <summary>
    /// The same of elements that came, or went, about the same time: each runs to the next of them, which may be more than came. Null where an
    /// end has no beginning among them, so that what came is not known.
    /// </summary>
    public static IReadOnlyList<NftElement>? OfEvents(IEnumerable<NftElement> elements, bool hasEnds)
    {
        var all = elements.ToList();
        if (hasEnds)
        {
            var sorted = Sorted(all);
            for (var i = 0; i < sorted.Count; i++)
            {
                // An end at the very first key only says that nothing begins there.
                var isFirst = i == 0 || sorted[i - 1].IsEnd || sorted[i - 1].IsCatchAll;
                var repeats = i > 0 && sorted[i - 1].IsEnd && sorted[i].Key.AsSpan().SequenceEqual(sorted[i - 1].Key);
                if (sorted[i].IsEnd && isFirst && !repeats && sorted[i].Key.AsSpan().ContainsAnyExcept((byte)0))
                {
                    return null;
                }
            }
        }

        return Of(all, hasEnds);
    }

    public static byte[] Before(byte[] value)
    {
        var result = value.ToArray();
        for (var i = result.Length - 1; i >= 0 && result[i]-- == 0; i--)
        {
        }

        return result;
    }

    public static byte[] Filled(int length)
    {
        var result = new byte[length];
        Array.Fill(result, (byte)0xff);
        return result;
    }

    /// <summary>By key, at the same key ends first, and what has no key before all.</summary>
    private static List<NftElement> Sorted(IEnumerable<NftElement> elements)
    {
        var sorted = elements.ToList();
        sorted.Sort(static (one, other) =>
            one.Key.AsSpan().SequenceCompareTo(other.Key) is not 0 and var order ? order : other.IsEnd.CompareTo(one.IsEnd));
        return sorted;
    }
}
