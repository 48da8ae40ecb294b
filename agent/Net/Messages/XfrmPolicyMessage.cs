using System.Buffers.Binary;
using System.Runtime.InteropServices;

using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>XFRM_MSG_*POLICY: linux/xfrm.h.</summary>
internal static class XfrmPolicyMessage
{
    private const ushort XFRMA_TMPL = 5;
    private const ushort XFRMA_MARK = 21;
    private const ushort XFRMA_IF_ID = 31;
    private const byte LastDirection = (byte)XfrmDirection.Forward;

    // struct xfrm_userpolicy_id, struct xfrm_userpolicy_info, struct xfrm_user_tmpl.
    private const int PolicyIdLength = 64;
    private const int PolicyInfoLength = 168;
    private const int TemplateLength = 64;

    // Offsets in struct xfrm_userpolicy_info, which begins with struct xfrm_selector.
    private const int DestinationAddress = 0;
    private const int SourceAddress = 16;
    private const int DestinationPort = 32;
    private const int SourcePort = 36;
    private const int Family = 40;
    private const int DestinationLength = 42;
    private const int SourceLength = 43;
    private const int Protocol = 44;
    private const int Device = 48;
    private const int Priority = 152;
    private const int Index = 156;
    private const int Direction = 160;
    private const int Action = 161;

    public static Span<byte> DumpRequest(Span<byte> buffer)
    {
        var writer = new NetlinkMessageWriter(buffer, XFRM_MSG_GETPOLICY, NLM_F_REQUEST | NLM_F_DUMP);
        writer.Write(default(PolicyId));
        return writer.Finish();
    }

    /// <summary>The policy of a message; null for one that cannot apply to IPv4 packets and for those of sockets.</summary>
    public static XfrmPolicy? Parse(in NetlinkMessage message)
    {
        var payload = message.Payload;
        if (payload.Length < PolicyInfoLength)
        {
            return null;
        }

        var family = MemoryMarshal.Read<ushort>(payload[Family..]);
        if (family is not (AF_UNSPEC or AF_INET) || payload[Direction] > LastDirection
            || payload[DestinationLength] > Ipv4Prefix.MaxLength || payload[SourceLength] > Ipv4Prefix.MaxLength)
        {
            return null;
        }

        var templates = 0;
        var marked = false;
        uint interfaceId = 0;
        foreach (var attribute in message.Attributes(PolicyInfoLength))
        {
            switch (attribute.Type)
            {
                case XFRMA_TMPL:
                    templates = attribute.Value.Length / TemplateLength;
                    break;
                // A value and a mask; without a mask every packet matches.
                case XFRMA_MARK:
                    marked = attribute.Value.Length >= 8 && MemoryMarshal.Read<uint>(attribute.Value[4..]) != 0;
                    break;
                case XFRMA_IF_ID:
                    interfaceId = attribute.Read<uint>();
                    break;
            }
        }

        return new XfrmPolicy
        {
            Source = new Ipv4Prefix(Ipv4Address.Read(payload[SourceAddress..]), payload[SourceLength]),
            Destination = new Ipv4Prefix(Ipv4Address.Read(payload[DestinationAddress..]), payload[DestinationLength]),
            Protocol = payload[Protocol],
            SourcePort = BinaryPrimitives.ReadUInt16BigEndian(payload[SourcePort..]),
            SourcePortMask = BinaryPrimitives.ReadUInt16BigEndian(payload[(SourcePort + 2)..]),
            DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(payload[DestinationPort..]),
            DestinationPortMask = BinaryPrimitives.ReadUInt16BigEndian(payload[(DestinationPort + 2)..]),
            IfIndex = MemoryMarshal.Read<int>(payload[Device..]),
            Direction = (XfrmDirection)payload[Direction],
            Action = (XfrmAction)payload[Action],
            Priority = MemoryMarshal.Read<uint>(payload[Priority..]),
            Index = MemoryMarshal.Read<uint>(payload[Index..]),
            TemplateCount = templates,
            HasMark = marked,
            InterfaceId = interfaceId,
        };
    }

    [StructLayout(LayoutKind.Sequential, Size = PolicyIdLength)]
    private readonly struct PolicyId;
}
