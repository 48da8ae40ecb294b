using System.Buffers.Binary;
using System.Runtime.InteropServices;

using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>Messages of conntrack's own netlink subsystem. linux/netfilter/nfnetlink_conntrack.h.</summary>
internal static class ConntrackMessage
{
    private const ushort IPCTNL_MSG_CT_NEW = 1 << 8;
    private const ushort IPCTNL_MSG_CT_GET = 1 << 8 | 1;
    private const ushort CTA_TUPLE_ORIG = 1;
    private const ushort CTA_PROTOINFO = 4;
    private const ushort CTA_ZONE = 18;
    private const ushort CTA_PROTOINFO_TCP = 1;
    private const ushort CTA_PROTOINFO_TCP_FLAGS_ORIGINAL = 4;
    private const ushort CTA_PROTOINFO_TCP_FLAGS_REPLY = 5;
    private const byte IP_CT_TCP_FLAG_BE_LIBERAL = 8;

    /// <summary><c>struct nfgenmsg</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Header
    {
        public byte Family;
        public byte Version;
        public ushort ResourceId;
    }

    /// <summary>Asks for all IPv4 connections.</summary>
    public static Span<byte> DumpRequest(Span<byte> buffer)
    {
        var writer = new NetlinkMessageWriter(buffer, IPCTNL_MSG_CT_GET, NLM_F_REQUEST | NLM_F_DUMP);
        writer.Write(new Header { Family = AF_INET });
        return writer.Finish();
    }

    /// <summary>Lets conntrack accept segments of this connection that are outside the window it saw.</summary>
    public static Span<byte> LiberalRequest(Span<byte> buffer, TcpConnection connection)
    {
        // struct nf_ct_tcp_flags: the flags, and which of them to change.
        ReadOnlySpan<byte> liberal = [IP_CT_TCP_FLAG_BE_LIBERAL, IP_CT_TCP_FLAG_BE_LIBERAL];
        var writer = new NetlinkMessageWriter(buffer, IPCTNL_MSG_CT_NEW, NLM_F_REQUEST | NLM_F_ACK);
        writer.Write(new Header { Family = AF_INET });
        writer.Attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, connection.Tuple);
        if (connection.Zone != 0)
        {
            writer.Attribute(CTA_ZONE, BinaryPrimitives.ReverseEndianness(connection.Zone));
        }

        var information = writer.BeginNested(CTA_PROTOINFO | NLA_F_NESTED);
        var tcp = writer.BeginNested(CTA_PROTOINFO_TCP | NLA_F_NESTED);
        writer.Attribute(CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, liberal);
        writer.Attribute(CTA_PROTOINFO_TCP_FLAGS_REPLY, liberal);
        writer.EndNested(tcp);
        writer.EndNested(information);
        return writer.Finish();
    }

    /// <summary>The TCP connection of a message; null for anything else.</summary>
    public static TcpConnection? ParseTcp(in NetlinkMessage message)
    {
        byte[]? tuple = null;
        ushort zone = 0;
        var tcp = false;
        foreach (var attribute in message.Attributes<Header>())
        {
            switch (attribute.Type)
            {
                case CTA_TUPLE_ORIG:
                    tuple = attribute.Value.ToArray();
                    break;
                case CTA_ZONE when attribute.Value.Length >= sizeof(ushort):
                    zone = BinaryPrimitives.ReadUInt16BigEndian(attribute.Value);
                    break;
                case CTA_PROTOINFO:
                    foreach (var information in attribute.Nested)
                    {
                        tcp |= information.Type == CTA_PROTOINFO_TCP;
                    }

                    break;
            }
        }

        return tcp && tuple is not null ? new TcpConnection(tuple, zone) : null;
    }
}
