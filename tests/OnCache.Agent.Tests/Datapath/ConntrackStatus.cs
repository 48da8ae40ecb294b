using System.Buffers.Binary;
using System.Runtime.InteropServices;

using OnCache.Agent.Net;
using OnCache.Agent.Tests.Datapath.Cases;
using OnCache.Agent.Tests.Datapath.Packets;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>Status bits of a conntrack entry that conntrack(8) cannot set: linux/netfilter/nfnetlink_conntrack.h.</summary>
internal static class ConntrackStatus
{
    public const uint SeenReply = 1 << 1;
    public const uint Confirmed = 1 << 3;
    public const uint Helper = 1 << 13;

    private const int NETLINK_NETFILTER = 12;
    private const ushort CtNew = 1 << 8;
    private const ushort NLM_F_REQUEST = 1;
    private const ushort NLM_F_ACK = 4;
    private const byte AF_INET = 2;
    private const ushort CTA_TUPLE_ORIG = 1;
    private const ushort CTA_STATUS = 3;
    private const ushort CTA_TUPLE_IP = 1;
    private const ushort CTA_TUPLE_PROTO = 2;

    /// <summary>
    /// In the calling thread's network namespace. The kernel refuses to take bits away, so all that are set must be named.
    /// </summary>
    public static void Set(ConntrackEntry entry, uint status)
    {
        Span<byte> buffer = stackalloc byte[256];
        var message = new NetlinkMessageWriter(buffer, CtNew, NLM_F_REQUEST | NLM_F_ACK);
        message.Write(new NetfilterHeader { Family = AF_INET });
        var tuple = message.BeginNested(CTA_TUPLE_ORIG);
        var addresses = message.BeginNested(CTA_TUPLE_IP);
        message.Attribute(1, Network(WellKnown.Ip(entry.From).Value));
        message.Attribute(2, Network(WellKnown.Ip(entry.To).Value));
        message.EndNested(addresses);
        var ports = message.BeginNested(CTA_TUPLE_PROTO);
        message.Attribute(1, (byte)entry.Protocol);
        message.Attribute(2, BinaryPrimitives.ReverseEndianness(entry.FromPort));
        message.Attribute(3, BinaryPrimitives.ReverseEndianness(entry.ToPort));
        message.EndNested(ports);
        message.EndNested(tuple);
        message.Attribute(CTA_STATUS, Network(status));

        using var socket = NetlinkSocket.Open(NETLINK_NETFILTER);
        socket.Execute(message.Finish(), "set the status of a conntrack entry");
    }

    private static uint Network(uint value) => BinaryPrimitives.ReverseEndianness(value);

    /// <summary><c>struct nfgenmsg</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct NetfilterHeader
    {
        public byte Family;
        public byte Version;
        public ushort ResourceId;
    }
}
