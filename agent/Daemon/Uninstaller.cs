using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;

namespace OnCache.Agent.Daemon;

/// <summary>Removes programs, links, maps and the conntrack setting of ours, and nothing else.</summary>
internal static class Uninstaller
{
    public static void Run(PinDirectory pins, ConntrackSysctl conntrack)
    {
        RestoreConntrack(pins, conntrack);
        DetachFilters();
        // The last reference of a tcx link is its pin.
        pins.Remove();
    }

    private static void RestoreConntrack(PinDirectory pins, ConntrackSysctl conntrack)
    {
        if (PinnedMaps.TryOpen(pins, MapNames.Config) is not { } fd)
        {
            return;
        }

        using (fd)
        {
            if (new BpfMap<uint, Config>(MapNames.Config, fd.Value).TryGet(0, out var config) && config.SavedTcpBeLiberal != 0
                && conntrack.TcpBeLiberal is not null && conntrack.TrySetTcpBeLiberal(config.SavedTcpBeLiberal - 1) is { } failure)
            {
                throw new DatapathException(failure);
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
