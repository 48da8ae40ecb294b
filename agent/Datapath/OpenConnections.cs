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
    // The heartbeat waits for it.
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Gives what is open to the new maps, as entries that no packet may use: of the pods that have a place there, half a cache of them at most, and no longer
    /// than a second.
    /// </summary>
    /// <returns>How many.</returns>
    public static int Carry(DatapathMaps former, DatapathMaps maps)
    {
        var (started, carried) = (Stopwatch.GetTimestamp(), 0);
        foreach (var (key, entry) in former.FilterCache.Entries())
        {
            if (carried >= maps.Sizes.UsableFilter / 2 || Stopwatch.GetElapsedTime(started) > s_longest)
            {
                break;
            }

            if (!IsOpen(entry) || !maps.EndpointIndex.TryGet(key.LocalIp, out var slot))
            {
                continue;
            }

            maps.FilterCache.Set(key, new FilterEntry
            {
                Touched = entry.Touched,
                // Since then the place is this pod's, which is what the sweep asks for.
                EndpointEpoch = maps.IngressCache[slot].Since,
                Endpoint = (ushort)slot,
                Closing = entry.Closing,
                Flags = entry.Flags,
            });
            carried++;
        }

        return carried;
    }

    private static bool IsOpen(FilterEntry entry) =>
        entry.Flags.HasFlag(EntryFlags.Portless | EntryFlags.Answered) && !entry.Flags.HasFlag(EntryFlags.Excluded)
        && (entry.Closing & Closing.Reset) == Closing.None && entry.Closing != Closing.BothFin;
}
