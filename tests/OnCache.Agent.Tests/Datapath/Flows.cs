using System.Buffers.Binary;
using System.Globalization;

using OnCache.Agent.Bpf;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Tests.Datapath.Packets;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>A UDP flow between the pod and the remote pod, by the port of the pod.</summary>
internal static class Flows
{
    private const int RemotePort = 6000;

    /// <summary>Caches the flow in both directions.</summary>
    public static ushort Cache(Stage stage, ushort localPort = 5000)
    {
        stage.Maps.FilterCache.Set(KeyOf(localPort), FreshEntry());
        return localPort;
    }

    public static FlowKey KeyOf(ushort localPort) => new()
    {
        LocalIp = SlotIndex.ToNetwork(WellKnown.Ip("pod")),
        RemoteIp = SlotIndex.ToNetwork(WellKnown.Ip("remote-pod")),
        LocalPort = BinaryPrimitives.ReverseEndianness(localPort),
        RemotePort = BinaryPrimitives.ReverseEndianness((ushort)RemotePort),
        Protocol = 17,
    };

    /// <summary>An entry that is usable now and for a minute.</summary>
    public static FilterEntry FreshEntry()
    {
        var now = MonotonicClock.Now();
        return new FilterEntry
        {
            EgressLease = now + 60_000_000_000,
            IngressLease = now + 60_000_000_000,
            // A little ago: the programs' clock lags behind, and a touch in the future would look like one long ago.
            Touched = now - 1_000_000_000,
            Epoch = Stage.Epoch,
            EndpointEpoch = Stage.EndpointEpoch,
            NodeEpoch = Stage.NodeEpoch,
            Endpoint = (ushort)Stage.PodSlot,
            Node = (ushort)Stage.RemoteNodeSlot,
        };
    }

    /// <summary>As it leaves the pod.</summary>
    public static List<Layer> FromPod(ushort localPort, int tos = 0, int ttl = 64, int id = 0x1234) =>
    [
        new() { Ethernet = new() { From = "pod", To = "gateway" } },
        new() { Ipv4 = new() { From = "pod", To = "remote-pod", Tos = tos, Ttl = ttl, Id = Text(id) } },
        new() { Udp = new() { From = Text(localPort), To = RemotePort } },
        new() { Payload = new() { Length = 64 } },
    ];

    /// <summary>As it comes from the wire.</summary>
    public static List<Layer> ToPod(ushort localPort, int tos = 0, int ttl = 64, int outerTos = 0) =>
    [
        new() { Ethernet = new() { From = "next-hop", To = "nic" } },
        new() { Ipv4 = new() { From = "remote-node", To = "node", Tos = outerTos, Fragment = 0 } },
        new() { Udp = new() { From = "40000", To = WellKnown.TunnelPort, Checksum = 0 } },
        new() { Vxlan = new() },
        new() { Ethernet = new() { From = "remote-tunnel", To = "tunnel" } },
        new() { Ipv4 = new() { From = "remote-pod", To = "pod", Tos = tos, Ttl = ttl } },
        new() { Udp = new() { From = Text(RemotePort), To = localPort } },
        new() { Payload = new() { Length = 64 } },
    ];

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
