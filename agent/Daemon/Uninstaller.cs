using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;

namespace OnCache.Agent.Daemon;

/// <summary>Removes programs, links, maps and the conntrack setting of ours, and nothing else.</summary>
internal static class Uninstaller
{
    public static void Run(PinDirectory pins, ConntrackSysctl conntrack)
    {
        DetachLinks(pins);
        DetachFilters();
        RestoreConntrack(pins, conntrack);
        pins.Remove();
    }

    /// <summary>
    /// Only once nothing takes the fast path any more. Connections that did are outside the window that conntrack saw, and
    /// keep the liberty that the setting gave them until they end.
    /// </summary>
    private static void RestoreConntrack(PinDirectory pins, ConntrackSysctl conntrack)
    {
        if (PinnedMaps.TryOpen(pins, MapNames.Config) is not { } fd)
        {
            return;
        }

        using (fd)
        {
            if (!new BpfMap<uint, Config>(MapNames.Config, fd.Value).TryGet(0, out var config) || config.SavedTcpBeLiberal == 0
                || conntrack.TcpBeLiberal is null)
            {
                return;
            }

            ConntrackTable.MakeTcpLiberal();
            if (conntrack.TrySetTcpBeLiberal(config.SavedTcpBeLiberal - 1) is { } failure)
            {
                throw new DatapathException(failure);
            }
        }
    }

    /// <summary>A link also goes with its pin, but only some time later.</summary>
    private static void DetachLinks(PinDirectory pins)
    {
        var attacher = new TcxAttacher(pins.Links);
        foreach (var device in attacher.AttachedDevices())
        {
            foreach (var (program, direction) in ProgramNames.OfEndpoint.Concat(ProgramNames.OfNic))
            {
                attacher.Detach(device, program, direction);
            }
        }
    }

    /// <summary>Our filters on clsact, found by what they are, as their priority was a setting of the agent that attached them.</summary>
    private static void DetachFilters()
    {
        using var monitor = NetworkMonitor.Start();
        var ours = monitor.Current.Filters.Values.SelectMany(static filters => filters)
            .Where(static filter => filter.BpfName?.StartsWith(ProgramNames.Prefix, StringComparison.Ordinal) == true);
        foreach (var filter in ours)
        {
            new ClsactAttacher(filter.Priority, static () => []).Detach(filter.IfIndex, filter.BpfName!, filter.Direction);
        }
    }
}
