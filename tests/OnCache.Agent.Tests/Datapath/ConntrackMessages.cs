using System.Buffers.Binary;

using OnCache.Agent.Net;
using OnCache.Agent.Tests.Datapath.Cases;
using OnCache.Agent.Tests.Datapath.Packets;

using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>
/// Entries of the kernel's conntrack by messages of our own (linux/netfilter/nfnetlink_conntrack.h), in the calling thread's network namespace: a test that
/// needs thousands cannot wait for as many processes, and conntrack(8) cannot set every bit.
/// </summary>
internal static class ConntrackMessages
{
    public const uint SeenReply = 1 << 1;
    public const uint Confirmed = 1 << 3;
    public const uint Helper = 1 << 13;

    private const ushort CtNew = 1 << 8;
    private const ushort CtDelete = 1 << 8 | 2;
    private const ushort NLM_F_EXCL = 0x200;
    private const ushort CTA_TUPLE_ORIG = 1;
    private const ushort CTA_TUPLE_REPLY = 2;
    private const ushort CTA_STATUS = 3;
    private const ushort CTA_PROTOINFO = 4;
    private const ushort CTA_TIMEOUT = 7;
    private const ushort CTA_TUPLE_IP = 1;
    private const ushort CTA_TUPLE_PROTO = 2;
    private const ushort CTA_PROTOINFO_TCP = 1;
    private const ushort CTA_PROTOINFO_TCP_STATE = 1;

    // By number, from linux/netfilter/nf_conntrack_tcp.h.
    private static readonly string[] s_states = ["NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE"];

    /// <summary>Makes an entry of UDP or TCP that nothing is translated by.</summary>
    public static void Insert(ConntrackEntry entry)
    {
        Span<byte> buffer = stackalloc byte[512];
        var message = new NetlinkMessageWriter(buffer, CtNew, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
        message.Write(new ConntrackMessage.Header { Family = AF_INET });
        WriteTuple(ref message, CTA_TUPLE_ORIG, entry);
        WriteTuple(ref message, CTA_TUPLE_REPLY, entry with { From = entry.To, To = entry.From, FromPort = entry.ToPort, ToPort = entry.FromPort });
        message.Attribute(CTA_TIMEOUT, Network((uint)entry.Timeout));
        if (entry.SeenReply)
        {
            message.Attribute(CTA_STATUS, Network(Confirmed | SeenReply));
        }

        if (entry.Protocol == CaseProtocol.Tcp)
        {
            var state = Array.IndexOf(s_states, entry.State);
            var protocol = message.BeginNested(CTA_PROTOINFO);
            var tcp = message.BeginNested(CTA_PROTOINFO_TCP);
            message.Attribute(CTA_PROTOINFO_TCP_STATE, state > 0 ? (byte)state : throw new ArgumentException($"no state {entry.State}", nameof(entry)));
            message.EndNested(tcp);
            message.EndNested(protocol);
        }

        Execute(message.Finish(), "make a conntrack entry");
    }

    /// <summary>The kernel refuses to take bits away, so all that are set must be named.</summary>
    public static void SetStatus(ConntrackEntry entry, uint status)
    {
        Span<byte> buffer = stackalloc byte[256];
        var message = new NetlinkMessageWriter(buffer, CtNew, NLM_F_REQUEST | NLM_F_ACK);
        message.Write(new ConntrackMessage.Header { Family = AF_INET });
        WriteTuple(ref message, CTA_TUPLE_ORIG, entry);
        message.Attribute(CTA_STATUS, Network(status));
        Execute(message.Finish(), "set the status of a conntrack entry");
    }

    /// <summary>Removes every entry.</summary>
    public static void Clear()
    {
        Span<byte> buffer = stackalloc byte[64];
        var message = new NetlinkMessageWriter(buffer, CtDelete, NLM_F_REQUEST | NLM_F_ACK);
        message.Write(default(ConntrackMessage.Header));
        Execute(message.Finish(), "empty conntrack");
    }

    private static void WriteTuple(ref NetlinkMessageWriter message, ushort type, ConntrackEntry entry)
    {
        var tuple = message.BeginNested(type);
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
    }

    private static void Execute(Span<byte> message, string operation)
    {
        using var socket = NetlinkSocket.Open(NETLINK_NETFILTER);
        socket.Execute(message, operation);
    }

    private static uint Network(uint value) => BinaryPrimitives.ReverseEndianness(value);
}
