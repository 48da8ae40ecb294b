using System.Runtime.InteropServices;

using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>RTM_*QDISC and RTM_*TFILTER: linux/rtnetlink.h, linux/pkt_cls.h.</summary>
internal static class TcMessage
{
    private const ushort TCA_KIND = 1;
    private const ushort TCA_OPTIONS = 2;
    private const ushort TCA_BPF_NAME = 7;
    private const ushort TCA_BPF_ID = 11;
    private const ushort TCA_FQ_FLOW_MAX_RATE = 7;
    private const uint TC_H_CLSACT_INGRESS = 0xffff_fff2;
    private const uint TC_H_CLSACT_EGRESS = 0xffff_fff3;

    /// <summary><c>struct tcmsg</c>. Of a filter, Info holds the priority in its upper half.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Header
    {
        public byte Family;
        public byte Pad1;
        public ushort Pad2;
        public int IfIndex;
        public uint Handle;
        public uint Parent;
        public uint Info;
    }

    public static Span<byte> QdiscDumpRequest(Span<byte> buffer)
    {
        var writer = new NetlinkMessageWriter(buffer, RTM_GETQDISC, NLM_F_REQUEST | NLM_F_DUMP);
        writer.Write(default(Header));
        return writer.Finish();
    }

    public static Span<byte> FilterDumpRequest(Span<byte> buffer, int ifIndex, TcDirection direction)
    {
        var writer = new NetlinkMessageWriter(buffer, RTM_GETTFILTER, NLM_F_REQUEST | NLM_F_DUMP);
        writer.Write(new Header
        {
            IfIndex = ifIndex,
            Parent = direction == TcDirection.Ingress ? TC_H_CLSACT_INGRESS : TC_H_CLSACT_EGRESS,
        });
        return writer.Finish();
    }

    public static Qdisc? ParseQdisc(in NetlinkMessage message)
    {
        var header = message.Read<Header>();
        string? kind = null;
        NetlinkAttribute options = default;
        foreach (var attribute in message.Attributes<Header>())
        {
            if (attribute.Type == TCA_KIND)
            {
                kind = attribute.Text;
            }
            else if (attribute.Type == TCA_OPTIONS)
            {
                options = attribute;
            }
        }

        return kind is null ? null : new Qdisc(header.IfIndex, kind, header.Handle, header.Parent) { HasRate = kind == "fq" && HasFlowRate(options) };
    }

    private static bool HasFlowRate(in NetlinkAttribute options)
    {
        foreach (var option in options.Nested)
        {
            if (option.Type == TCA_FQ_FLOW_MAX_RATE && option.Value.Length >= sizeof(uint))
            {
                return MemoryMarshal.Read<uint>(option.Value) != uint.MaxValue;
            }
        }

        return false;
    }

    /// <summary>
    /// The filter of a message; null for the entry that only announces a priority. Device and direction are those that were asked for:
    /// a filter of a block that several devices share names neither.
    /// </summary>
    public static TcFilter? ParseFilter(in NetlinkMessage message, int ifIndex, TcDirection direction)
    {
        var header = message.Read<Header>();
        if (header.Handle == 0)
        {
            return null;
        }

        string? kind = null, name = null;
        uint? id = null;
        foreach (var attribute in message.Attributes<Header>())
        {
            if (attribute.Type == TCA_KIND)
            {
                kind = attribute.Text;
            }
            else if (attribute.Type == TCA_OPTIONS && kind == "bpf")
            {
                foreach (var option in attribute.Nested)
                {
                    name = option.Type == TCA_BPF_NAME ? option.Text : name;
                    id = option.Type == TCA_BPF_ID ? option.Read<uint>() : id;
                }
            }
        }

        return kind is null ? null : new TcFilter(ifIndex, direction, kind, (ushort)(header.Info >> 16), header.Handle, name, id);
    }

    /// <summary>The device of a qdisc or filter event.</summary>
    public static int IfIndex(in NetlinkMessage message) => message.Read<Header>().IfIndex;
}
