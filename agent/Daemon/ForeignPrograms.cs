using System.Collections.Immutable;

using OnCache.Agent.Net;
using OnCache.Agent.Rules;
using OnCache.Agent.Topology;

namespace OnCache.Agent.Daemon;

/// <summary>Programs of others at tcx hooks that cached packets do not pass, as regions.</summary>
internal static class ForeignPrograms
{
    /// <param name="query">The programs of others at a hook, by name; all of them, or those that run behind ours.</param>
    public static ImmutableArray<RuleRegion> Of(NodePlan plan, NetworkSnapshot snapshot, Func<int, TcDirection, bool, IReadOnlyList<string>> query)
    {
        if (plan.Underlay.Value is not { } underlay)
        {
            return [];
        }

        var regions = ImmutableArray.CreateBuilder<RuleRegion>();
        Add(underlay.Tunnel.IfIndex, TcDirection.Ingress, behindOurs: false, new PacketClass { Way = PacketWay.ToPod });
        Add(underlay.Tunnel.IfIndex, TcDirection.Egress, behindOurs: false, new PacketClass { Way = PacketWay.FromPod });
        foreach (var nic in plan.Nics)
        {
            Add(nic, TcDirection.Ingress, behindOurs: true, new PacketClass { Way = PacketWay.OuterIn });
        }

        var attachments = plan.Endpoints.Where(static endpoint => endpoint.Spec is not null).Select(static endpoint => endpoint.Attachment?.Value).OfType<EndpointAttachment>().ToList();
        foreach (var bridge in attachments.Select(static at => at.BridgeIfIndex).Where(static bridge => bridge != 0).Distinct())
        {
            Add(bridge, TcDirection.Ingress, behindOurs: false, OfDevice(bridge, PacketWay.FromPod));
            Add(bridge, TcDirection.Egress, behindOurs: false, OfDevice(bridge, PacketWay.ToPod));
        }

        foreach (var veth in attachments.Select(static at => at.HostIfIndex))
        {
            // Into the pod a packet of the fast path passes nobody here, neither before nor behind ours.
            Add(veth, TcDirection.Ingress, behindOurs: true, OfDevice(veth, PacketWay.FromPod));
            Add(veth, TcDirection.Egress, behindOurs: false, OfDevice(veth, PacketWay.ToPod));
        }

        return regions.ToImmutable();

        PacketClass OfDevice(int device, PacketWay way) =>
            new() { Way = way, PodDevices = [new DevicePattern(snapshot.NameOf(device), IsPrefix: false, IsNegated: false)] };

        void Add(int device, TcDirection direction, bool behindOurs, PacketClass packets)
        {
            var name = snapshot.NameOf(device);
            foreach (var program in query(device, direction, behindOurs))
            {
                regions.Add(new RuleRegion(
                    packets,
                    RegionReach.Flows,
                    $"tcx program {program} at the {(direction == TcDirection.Ingress ? "ingress" : "egress")} of {name}",
                    $"device {name}",
                    behindOurs ? "program behind ours" : "program"));
            }
        }
    }
}
