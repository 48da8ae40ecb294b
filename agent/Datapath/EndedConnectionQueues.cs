using OnCache.Agent.Bpf;

namespace OnCache.Agent.Datapath;

/// <summary>Takes connections that ended on the fast path: of a queue for each CPU, which its programs fill. One reader at a time.</summary>
/// <param name="queues">By CPU.</param>
/// <param name="records">By CPU, <see cref="Layout.Ended"/> each.</param>
internal sealed class EndedConnectionQueues(MappedArray<EndedQueue> queues, MappedArray<Ended> records)
{
    /// <summary>
    /// Takes those that ended before a moment, in the order in which they did. What says of the same moment that a connection goes on comes last:
    /// an end that is told too late costs ten seconds, one that was none costs a connection.
    /// </summary>
    /// <param name="before">CLOCK_MONOTONIC; long enough ago that no program is still writing what is older.</param>
    public IReadOnlyList<Ended> Take(ulong before)
    {
        var taken = new List<Ended>();
        for (var cpu = 0u; cpu < queues.Length; cpu++)
        {
            ref var queue = ref queues[cpu];
            var written = Volatile.Read(ref queue.Written);
            var next = queue.Taken;
            while (next != written && records[(uint)(cpu * Layout.Ended + (next & (Layout.Ended - 1)))] is var record && record.At < before)
            {
                taken.Add(record);
                next++;
            }

            // The places are the program's again.
            Volatile.Write(ref queue.Taken, next);
        }

        taken.Sort(static (one, other) => one.At != other.At ? one.At.CompareTo(other.At) : GoesOn(one).CompareTo(GoesOn(other)));
        return taken;
    }

    private static bool GoesOn(Ended record) => (record.Closing & Closing.Reset) == Closing.None && (record.Closing & Closing.BothFin) != Closing.BothFin;
}
