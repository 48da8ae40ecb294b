using System.Numerics;

namespace OnCache.Lab.Bench;

/// <summary>Counts of durations in logarithmic buckets of 1/64 of a power of two, so that recording is allocation-free and an error is below 1.6 %.</summary>
public sealed class LatencyHistogram
{
    private const int SubBits = 6;
    private const int Sub = 1 << SubBits;
    private readonly long[] buckets = new long[(64 - SubBits) * Sub];

    public long Count { get; private set; }

    /// <summary>Counts one duration in nanoseconds; below zero counts as zero.</summary>
    public void Record(long nanoseconds)
    {
        buckets[BucketOf(nanoseconds < 0 ? 0UL : (ulong)nanoseconds)]++;
        Count++;
    }

    public void Clear()
    {
        Array.Clear(buckets);
        Count = 0;
    }

    /// <summary>The duration in nanoseconds that the given share of the recorded ones does not exceed; null when nothing was recorded.</summary>
    /// <param name="share">0 to 1.</param>
    public double? Quantile(double share)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(share, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1);
        if (Count == 0)
        {
            return null;
        }

        var rank = Math.Max(1, (long)Math.Ceiling(share * Count));
        long seen = 0;
        var bucket = 0;
        while ((seen += buckets[bucket]) < rank)
        {
            bucket++;
        }

        return Middle(bucket);
    }

    private static int BucketOf(ulong value)
    {
        if (value < Sub)
        {
            return (int)value;
        }

        var shift = 63 - SubBits - BitOperations.LeadingZeroCount(value);
        return ((shift + 1) * Sub) + (int)((value >> shift) - Sub);
    }

    private static double Middle(int bucket)
    {
        if (bucket < Sub)
        {
            return bucket;
        }

        var shift = (bucket / Sub) - 1;
        var low = (double)((ulong)(Sub + (bucket % Sub)) << shift);
        return low + (((1UL << shift) - 1) / 2.0);
    }
}
