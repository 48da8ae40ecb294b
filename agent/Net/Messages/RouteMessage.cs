using System.Runtime.InteropServices;

using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>RTM_*ROUTE for IPv4: rtnetlink(7), linux/rtnetlink.h.</summary>
internal static class RouteMessage
{
    private const ushort RTA_DST = 1;
    private const ushort RTA_OIF = 4;
    private const ushort RTA_GATEWAY = 5;
    private const ushort RTA_PRIORITY = 6;
    private const ushort RTA_PREFSRC = 7;
    private const ushort RTA_METRICS = 8;
    private const ushort RTA_MULTIPATH = 9;
    private const ushort RTA_TABLE = 15;
    private const ushort RTA_VIA = 18;
    private const ushort RTA_ENCAP = 22;
    private const ushort RTA_NH_ID = 30;
    private const ushort RTAX_MTU = 2;
    private const uint RTM_F_CLONED = 0x200;
    private const uint RTNH_F_ONLINK = 4;

    /// <summary><c>struct rtmsg</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Header
    {
        public byte Family;
        public byte DestinationLength;
        public byte SourceLength;
        public byte Tos;
        public byte Table;
        public byte Protocol;
        public byte Scope;
        public byte Type;
        public uint Flags;
    }

    public static Span<byte> DumpRequest(Span<byte> buffer)
    {
        var writer = new NetlinkMessageWriter(buffer, RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP);
        writer.Write(new Header { Family = AF_INET });
        return writer.Finish();
    }

    /// <summary>The route of a message; null for another family and for cached exceptions.</summary>
    public static Ipv4Route? Parse(in NetlinkMessage message)
    {
        var header = message.Read<Header>();
        if (header.Family != AF_INET || (header.Flags & RTM_F_CLONED) != 0 || header.DestinationLength > Ipv4Prefix.MaxLength)
        {
            return null;
        }

        var route = new Attributes { Table = header.Table };
        foreach (var attribute in message.Attributes<Header>())
        {
            route.Read(attribute);
        }

        // With a nexthop object the kernel repeats its device, unless the compatibility mode is off.
        var specialty = route.Specialty == RouteSpecialty.None && route.HasNexthopId && route.OutIfIndex == 0
            ? RouteSpecialty.NexthopObject
            : route.Specialty;
        return new Ipv4Route
        {
            Table = route.Table,
            Destination = new Ipv4Prefix(route.Destination, header.DestinationLength),
            Tos = header.Tos,
            Priority = route.Priority,
            Type = (RouteType)header.Type,
            Scope = header.Scope,
            Protocol = header.Protocol,
            OutIfIndex = route.OutIfIndex,
            Gateway = route.Gateway,
            PreferredSource = route.PreferredSource,
            OnLink = (header.Flags & RTNH_F_ONLINK) != 0,
            Mtu = route.Mtu,
            Specialty = specialty,
        };
    }

    private struct Attributes
    {
        public uint Table;
        public Ipv4Address Destination;
        public uint Priority;
        public int OutIfIndex;
        public Ipv4Address? Gateway;
        public Ipv4Address? PreferredSource;
        public int Mtu;
        public bool HasNexthopId;
        public RouteSpecialty Specialty;

        public void Read(NetlinkAttribute attribute)
        {
            switch (attribute.Type)
            {
                case RTA_DST:
                    Destination = attribute.Ipv4 ?? default;
                    break;
                case RTA_OIF:
                    OutIfIndex = attribute.Read<int>();
                    break;
                case RTA_GATEWAY:
                    Gateway = attribute.Ipv4;
                    break;
                case RTA_PRIORITY:
                    Priority = attribute.Read<uint>();
                    break;
                case RTA_PREFSRC:
                    PreferredSource = attribute.Ipv4;
                    break;
                case RTA_METRICS:
                    foreach (var metric in attribute.Nested)
                    {
                        Mtu = metric.Type == RTAX_MTU ? metric.Read<int>() : Mtu;
                    }

                    break;
                case RTA_TABLE:
                    Table = attribute.Read<uint>();
                    break;
                case RTA_NH_ID:
                    HasNexthopId = true;
                    break;
                case RTA_MULTIPATH:
                    Specialty = RouteSpecialty.Multipath;
                    break;
                case RTA_VIA:
                    Specialty = RouteSpecialty.Ipv6Gateway;
                    break;
                case RTA_ENCAP:
                    Specialty = RouteSpecialty.Encapsulated;
                    break;
            }
        }
    }
}
