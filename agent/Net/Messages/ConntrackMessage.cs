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
    private const ushort CTA_TIMEOUT = 7;
    private const ushort CTA_TUPLE_IP = 1;
    private const ushort CTA_TUPLE_PROTO = 2;
    private const ushort CTA_IP_V4_SRC = 1;
    private const ushort CTA_IP_V4_DST = 2;
    private const ushort CTA_PROTO_NUM = 1;
    private const ushort CTA_PROTO_SRC_PORT = 2;
    private const ushort CTA_PROTO_DST_PORT = 3;
    private const ushort CTA_PROTOINFO_TCP_STATE = 1;
    private const byte IP_CT_TCP_FLAG_CLOSE_INIT = 4;
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

    /// <summary>
    /// Sets the state that a connection has come to where conntrack could not see it. With an end goes that either side has begun to close: by
    /// that mark the kernel lets a SYN on the same ports begin a new connection, which it judges as one.
    /// </summary>
    /// <param name="tuple">Of either direction: the kernel finds the connection by both.</param>
    public static Span<byte> EndedRequest(Span<byte> buffer, in ConnectionTuple tuple, TcpConntrackState state, uint timeoutSeconds)
    {
        // The flag, and that it is meant.
        ReadOnlySpan<byte> closing = [state == TcpConntrackState.Established ? (byte)0 : IP_CT_TCP_FLAG_CLOSE_INIT, IP_CT_TCP_FLAG_CLOSE_INIT];
        var writer = new NetlinkMessageWriter(buffer, IPCTNL_MSG_CT_NEW, NLM_F_REQUEST);
        writer.Write(new Header { Family = AF_INET });
        var original = writer.BeginNested(CTA_TUPLE_ORIG | NLA_F_NESTED);
        var addresses = writer.BeginNested(CTA_TUPLE_IP | NLA_F_NESTED);
        writer.Attribute(CTA_IP_V4_SRC, tuple.Source);
        writer.Attribute(CTA_IP_V4_DST, tuple.Destination);
        writer.EndNested(addresses);
        var protocol = writer.BeginNested(CTA_TUPLE_PROTO | NLA_F_NESTED);
        writer.Attribute(CTA_PROTO_NUM, tuple.Protocol);
        writer.Attribute(CTA_PROTO_SRC_PORT, tuple.SourcePort);
        writer.Attribute(CTA_PROTO_DST_PORT, tuple.DestinationPort);
        writer.EndNested(protocol);
        writer.EndNested(original);
        writer.Attribute(CTA_TIMEOUT, BinaryPrimitives.ReverseEndianness(timeoutSeconds));
        var information = writer.BeginNested(CTA_PROTOINFO | NLA_F_NESTED);
        var tcp = writer.BeginNested(CTA_PROTOINFO_TCP | NLA_F_NESTED);
        writer.Attribute(CTA_PROTOINFO_TCP_STATE, (byte)state);
        writer.Attribute(CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, closing);
        writer.Attribute(CTA_PROTOINFO_TCP_FLAGS_REPLY, closing);
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

/// <summary>What tells a connection; addresses and ports in network byte order.</summary>
internal readonly record struct ConnectionTuple(uint Source, uint Destination, ushort SourcePort, ushort DestinationPort, byte Protocol);

/// <summary>TCP_CONNTRACK_* of linux/netfilter/nf_conntrack_tcp.h.</summary>
internal enum TcpConntrackState : byte
{
    Established = 3,
    TimeWait = 7,
    Close = 8,
}
