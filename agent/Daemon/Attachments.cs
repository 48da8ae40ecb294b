using OnCache.Agent.Datapath;
using OnCache.Agent.Net;

namespace OnCache.Agent.Daemon;

/// <summary>Takes programs of ours off devices, whichever agent attached them.</summary>
internal static class Attachments
{
    /// <summary>Links, at once: with its pin alone a link goes only some time later.</summary>
    public static void RemoveLinks(PinDirectory pins)
    {
        var attacher = new TcxAttacher(pins.Links);
        foreach (var device in attacher.AttachedDevices())
        {
            foreach (var (program, direction) in ProgramNames.OfEndpoint.Concat(ProgramNames.OfNic))
            {
                attacher.Detach(device, program, direction);
            }
        }

        attacher.DetachUnknown();
    }

    /// <summary>Links whose program no longer exists in this version: nothing of ours would ever take its place.</summary>
    public static void RemoveUnknownLinks(PinDirectory pins) => new TcxAttacher(pins.Links).DetachUnknown();

    /// <summary>Filters on clsact, found by what they are, as their priority was a setting of the agent that attached them.</summary>
    /// <param name="keep">The priority of those that stay; null for none.</param>
    public static void RemoveFilters(NetworkSnapshot snapshot, uint? keep)
    {
        var ours = snapshot.Filters.Values.SelectMany(static filters => filters)
            .Where(filter => filter.Priority != keep && filter.BpfName?.StartsWith(ProgramNames.Prefix, StringComparison.Ordinal) == true);
        foreach (var filter in ours)
        {
            new ClsactAttacher(filter.Priority, static () => []).Detach(filter.IfIndex, filter.BpfName!, filter.Direction);
        }
    }
}
