using System.IO.Hashing;
using System.Runtime.InteropServices;

using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>RTM_*RULE for IPv4: linux/fib_rules.h.</summary>
internal static class RuleMessage
{
    private const ushort FRA_DST = 1;
    private const ushort FRA_SRC = 2;
    private const ushort FRA_IIFNAME = 3;
    private const ushort FRA_PRIORITY = 6;
    private const ushort FRA_FWMARK = 10;
    private const ushort FRA_TUN_ID = 12;
    private const ushort FRA_FWMASK = 16;
    private const ushort FRA_SUPPRESS_IFGROUP = 13;
    private const ushort FRA_SUPPRESS_PREFIXLEN = 14;
    private const ushort FRA_TABLE = 15;
    private const ushort FRA_OIFNAME = 17;
    private const ushort FRA_L3MDEV = 19;
    private const ushort FRA_UID_RANGE = 20;
    private const ushort FRA_IP_PROTO = 22;
    private const ushort FRA_SPORT_RANGE = 23;
    private const ushort FRA_DPORT_RANGE = 24;
    private const ushort FRA_DSCP = 25;
    private const ushort FRA_DSCP_MASK = 30;
    private const uint FIB_RULE_INVERT = 2;

    /// <summary><c>struct fib_rule_hdr</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Header
    {
        public byte Family;
        public byte DestinationLength;
        public byte SourceLength;
        public byte Tos;
        public byte Table;
        public byte Reserved1;
        public byte Reserved2;
        public byte Action;
        public uint Flags;
    }

    public static Span<byte> DumpRequest(Span<byte> buffer)
    {
        var writer = new NetlinkMessageWriter(buffer, RTM_GETRULE, NLM_F_REQUEST | NLM_F_DUMP);
        writer.Write(new Header { Family = AF_INET });
        return writer.Finish();
    }

    public static RoutingRule? Parse(in NetlinkMessage message)
    {
        var header = message.Read<Header>();
        if (header.Family != AF_INET)
        {
            return null;
        }

        uint table = header.Table, priority = 0;
        Ipv4Address source = default, destination = default;
        var byTos = header.Tos != 0;
        var other = byTos;
        var others = new XxHash64();
        others.Append([header.Tos]);
        var l3Master = false;
        var suppress = -1;
        foreach (var attribute in message.Attributes<Header>())
        {
            switch (attribute.Type)
            {
                case FRA_DST:
                    destination = attribute.Ipv4 ?? default;
                    break;
                case FRA_SRC:
                    source = attribute.Ipv4 ?? default;
                    break;
                case FRA_PRIORITY:
                    priority = attribute.Read<uint>();
                    break;
                case FRA_TABLE:
                    table = attribute.Read<uint>();
                    break;
                case FRA_SUPPRESS_PREFIXLEN:
                    suppress = attribute.Read<int>();
                    break;
                // The kernel reports "no group" as -1.
                case FRA_SUPPRESS_IFGROUP:
                    other |= attribute.Read<int>() != -1;
                    break;
                case FRA_L3MDEV:
                    l3Master = attribute.Read<byte>() != 0;
                    break;
                case FRA_IIFNAME or FRA_OIFNAME or FRA_FWMARK or FRA_TUN_ID or FRA_UID_RANGE or FRA_IP_PROTO
                    or FRA_SPORT_RANGE or FRA_DPORT_RANGE:
                    other = true;
                    Add(attribute);
                    break;
                case FRA_FWMASK:
                    Add(attribute);
                    break;
                // Of what is not known it may be anything.
                case >= FRA_DSCP:
                    byTos |= attribute.Type is FRA_DSCP or FRA_DSCP_MASK;
                    other = true;
                    Add(attribute);
                    break;
            }
        }

        void Add(in NetlinkAttribute attribute)
        {
            others.Append([(byte)attribute.Type]);
            others.Append(attribute.Value);
        }

        return new RoutingRule
        {
            Priority = priority,
            Source = new Ipv4Prefix(source, header.SourceLength),
            Destination = new Ipv4Prefix(destination, header.DestinationLength),
            Action = (RuleAction)header.Action,
            Table = table,
            Invert = (header.Flags & FIB_RULE_INVERT) != 0,
            HasOtherSelectors = other,
            SelectsByTos = byTos,
            OtherSelectors = other ? others.GetCurrentHashAsUInt64() : 0,
            L3Master = l3Master,
            SuppressPrefixLength = suppress,
        };
    }
}
