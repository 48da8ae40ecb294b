using System.Runtime.InteropServices;

using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>RTM_*ADDR for IPv4: rtnetlink(7), linux/if_addr.h.</summary>
internal static class AddressMessage
{
    private const ushort IFA_ADDRESS = 1;
    private const ushort IFA_LOCAL = 2;
    private const byte IFA_F_SECONDARY = 1;

    /// <summary><c>struct ifaddrmsg</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Header
    {
        public byte Family;
        public byte PrefixLength;
        public byte Flags;
        public byte Scope;
        public int IfIndex;
    }

    public static Span<byte> DumpRequest(Span<byte> buffer)
    {
        var writer = new NetlinkMessageWriter(buffer, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP);
        writer.Write(new Header { Family = AF_INET });
        return writer.Finish();
    }

    public static InterfaceAddress? Parse(in NetlinkMessage message)
    {
        var header = message.Read<Header>();
        if (header.Family != AF_INET)
        {
            return null;
        }

        Ipv4Address? address = null, local = null;
        foreach (var attribute in message.Attributes<Header>())
        {
            if (attribute.Type == IFA_ADDRESS)
            {
                address = attribute.Ipv4;
            }
            else if (attribute.Type == IFA_LOCAL)
            {
                local = attribute.Ipv4;
            }
        }

        // On a point-to-point device IFA_ADDRESS is the other side.
        return (local ?? address) is { } own
            ? new InterfaceAddress(header.IfIndex, own, header.PrefixLength, (header.Flags & IFA_F_SECONDARY) != 0)
            : null;
    }
}
