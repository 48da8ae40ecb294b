using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;

namespace OnCache.Agent.Daemon;

/// <summary>Removes programs, links, maps and the conntrack setting of ours, and nothing else.</summary>
internal static class Uninstaller
{
    public static void Run(PinDirectory pins, ConntrackSysctl conntrack)
    {
        Attachments.RemoveLinks(pins);
        Attachments.RemoveFilters(NetworkSnapshotReader.Read(), keep: null);
        RestoreConntrack(pins, conntrack);
        pins.Remove();
    }

    /// <summary>
    /// Only once nothing takes the fast path any more. Connections that did are outside the window that conntrack saw, and
    /// keep the liberty that the setting gave them until they end.
    /// </summary>
    private static void RestoreConntrack(PinDirectory pins, ConntrackSysctl conntrack)
    {
        var saved = new MapSets(pins, KernelSteps.Direct).SavedTcpBeLiberal();
        if (saved == 0 || conntrack.TcpBeLiberal is null)
        {
            return;
        }

        ConntrackTable.MakeTcpLiberal();
        if (conntrack.TrySetTcpBeLiberal(saved - 1) is { } failure)
        {
            throw new DatapathException(failure);
        }
    }
}
