using System.Diagnostics;
using OnCache.Agent.Bpf;

namespace OnCache.Agent.Datapath;

/// <summary>
/// Connections that began on the fast path, when other maps take the place of those that know them. Conntrack has never heard of them: should the next
/// packet be a FIN, the CNI could make nothing of it, however often it came. The programs turn it into what the CNI understands, as long as
/// the filter cache has the connection.
/// </summary>
internal static class OpenConnections
{
    /// <summary>
    /// Gives what is open to the new maps, as entries that no packet may use: of the pods that have their place there too, and half a cache of them at most.
    /// What the new maps know already is left as it is.
    /// </summary>
    /// <param name="longest">No longer than this: the heartbeat waits.</param>
    /// <returns>How many.</returns>
    /// <exception cref="BpfException">The kernel refused to read the old map or to write the new one; what was carried until then stays.</exception>
    public static int Carry(DatapathMaps former, DatapathMaps maps, TimeSpan longest)
    {
        var (started, carried) = (Stopwatch.GetTimestamp(), 0);
        foreach (var (key, entry) in former.FilterCache.Entries())
        {
            if (carried >= maps.Sizes.UsableFilter / 2 || Stopwatch.GetElapsedTime(started) > longest)
            {
                break;
            }

            if (IsOpen(entry) && maps.EndpointIndex.TryGet(key.LocalIp, out var slot)
                && IsOfSamePod(former.IngressCache[entry.Endpoint], maps.IngressCache[slot], entry)
                && maps.FilterCache.TryAdd(key, Known(entry, slot, maps)))
            {
                Interlocked.Increment(ref maps.Held[slot].Entries);
                Interlocked.Increment(ref maps.Held[Layout.IndexNone].Entries);
                carried++;
            }
        }

        return carried;
    }

    private static bool IsOpen(FilterEntry entry) =>
        entry.Flags.HasFlag(EntryFlags.Portless | EntryFlags.Answered) && !entry.Flags.HasFlag(EntryFlags.Excluded)
        && (entry.Closing & Closing.Reset) == Closing.None && entry.Closing != Closing.BothFin;

    /// <summary>The entry is of the pod that has its place in the old maps, and that pod has this place in the new ones.</summary>
    private static bool IsOfSamePod(in IngressEntry before, in IngressEntry now, FilterEntry entry) =>
        before.IfIndex != 0 && (int)(entry.EndpointEpoch - before.Since) >= 0
        && before.IfIndex == now.IfIndex && ((ReadOnlySpan<byte>)before.PodMac).SequenceEqual(now.PodMac);

    private static FilterEntry Known(FilterEntry entry, uint slot, DatapathMaps maps) => new()
    {
        Touched = entry.Touched,
        // Since then the place is this pod's, which is what the sweep asks for.
        EndpointEpoch = maps.IngressCache[slot].Since,
        Endpoint = (ushort)slot,
        Closing = entry.Closing,
        Flags = entry.Flags,
    };
}
