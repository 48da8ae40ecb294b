using System.Buffers.Binary;
using System.Runtime.InteropServices;

using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>RTM_*NEIGH: neighbours (AF_INET) and forwarding entries (AF_BRIDGE) share it. linux/neighbour.h.</summary>
internal static class NeighbourMessage
{
    private const ushort NDA_DST = 1;
    private const ushort NDA_LLADDR = 2;
    private const ushort NDA_VLAN = 5;
    private const ushort NDA_PORT = 6;
    private const ushort NDA_VNI = 7;
    private const ushort NDA_IFINDEX = 8;
    private const ushort NDA_MASTER = 9;
    private const ushort NDA_NH_ID = 13;
    private const byte NTF_USE = 1;
    private const byte NTF_SELF = 2;
    private const byte NTF_PROXY = 8;

    /// <summary><c>struct ndmsg</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Header
    {
        public byte Family;
        public byte Pad1;
        public ushort Pad2;
        public int IfIndex;
        public ushort State;
        public byte Flags;
        public byte Type;
    }

    /// <summary>Asks for all entries of a family: AF_INET for neighbours, AF_BRIDGE for forwarding entries.</summary>
    public static Span<byte> DumpRequest(Span<byte> buffer, byte family)
    {
        var writer = new NetlinkMessageWriter(buffer, RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP);
        writer.Write(new Header { Family = family });
        return writer.Finish();
    }

    /// <summary>Tells the kernel that the neighbour is in use, so that it resolves or confirms it.</summary>
    public static Span<byte> UseRequest(Span<byte> buffer, int ifIndex, Ipv4Address address)
    {
        var writer = new NetlinkMessageWriter(buffer, RTM_NEWNEIGH, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE);
        writer.Write(new Header { Family = AF_INET, IfIndex = ifIndex, Flags = NTF_USE });
        writer.Attribute(NDA_DST, BinaryPrimitives.ReverseEndianness(address.Value));
        return writer.Finish();
    }

    /// <summary>Has the kernel ask a neighbour it believes to know, at once: the answer also teaches a bridge its port.</summary>
    public static Span<byte> ConfirmRequest(Span<byte> buffer, int ifIndex, Ipv4Address address, MacAddress mac)
    {
        var writer = new NetlinkMessageWriter(buffer, RTM_NEWNEIGH, NLM_F_REQUEST | NLM_F_ACK | NLM_F_REPLACE);
        writer.Write(new Header { Family = AF_INET, IfIndex = ifIndex, State = (ushort)NeighbourState.Probe });
        writer.Attribute(NDA_DST, BinaryPrimitives.ReverseEndianness(address.Value));
        Span<byte> octets = stackalloc byte[MacAddress.Length];
        mac.CopyTo(octets);
        writer.Attribute(NDA_LLADDR, octets);
        return writer.Finish();
    }

    /// <summary>The IPv4 neighbour of a message; null for anything else.</summary>
    public static Neighbour? ParseNeighbour(in NetlinkMessage message)
    {
        var header = message.Read<Header>();
        if (header.Family != AF_INET || (header.Flags & NTF_PROXY) != 0)
        {
            return null;
        }

        Ipv4Address? address = null;
        MacAddress? mac = null;
        foreach (var attribute in message.Attributes<Header>())
        {
            if (attribute.Type == NDA_DST)
            {
                address = attribute.Ipv4;
            }
            else if (attribute.Type == NDA_LLADDR)
            {
                mac = attribute.Mac;
            }
        }

        return address is { } known ? new Neighbour(header.IfIndex, known, mac, (NeighbourState)header.State) : null;
    }

    /// <summary>The unicast forwarding entry of a message; null for anything else.</summary>
    public static FdbEntry? ParseFdb(in NetlinkMessage message)
    {
        var header = message.Read<Header>();
        if (header.Family != AF_BRIDGE)
        {
            return null;
        }

        var entry = new FdbAttributes();
        foreach (var attribute in message.Attributes<Header>())
        {
            entry.Read(attribute);
        }

        return entry.Mac is { IsZero: false, IsGroup: false } mac
            ? new FdbEntry
            {
                IfIndex = header.IfIndex,
                Mac = mac,
                Vlan = entry.Vlan,
                Self = (header.Flags & NTF_SELF) != 0,
                MasterIfIndex = entry.Master,
                RemoteAddress = entry.Remote,
                RemoteIsOther = entry.RemoteIsOther,
                RemotePort = entry.Port,
                RemoteVni = entry.Vni,
                RemoteIfIndex = entry.RemoteIfIndex,
                Permanent = ((NeighbourState)header.State).HasFlag(NeighbourState.Permanent),
            }
            : null;
    }

    private struct FdbAttributes
    {
        public MacAddress? Mac;
        public ushort Vlan;
        public int Master;
        public Ipv4Address? Remote;
        public bool RemoteIsOther;
        public ushort Port;
        public uint? Vni;
        public int RemoteIfIndex;

        public void Read(NetlinkAttribute attribute)
        {
            switch (attribute.Type)
            {
                case NDA_LLADDR:
                    Mac = attribute.Mac;
                    break;
                case NDA_DST:
                    Remote = attribute.Ipv4 is { IsAny: false } remote ? remote : null;
                    RemoteIsOther |= attribute.Ipv4 is null;
                    break;
                case NDA_NH_ID:
                    RemoteIsOther = true;
                    break;
                case NDA_VLAN:
                    Vlan = attribute.Read<ushort>();
                    break;
                case NDA_MASTER:
                    Master = attribute.Read<int>();
                    break;
                case NDA_PORT when attribute.Value.Length >= sizeof(ushort):
                    Port = BinaryPrimitives.ReadUInt16BigEndian(attribute.Value);
                    break;
                case NDA_VNI:
                    Vni = attribute.Read<uint>();
                    break;
                case NDA_IFINDEX:
                    RemoteIfIndex = attribute.Read<int>();
                    break;
            }
        }
    }
}
