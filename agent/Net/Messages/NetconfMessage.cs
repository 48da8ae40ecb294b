using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>RTM_*NETCONF: a device's settings of IPv4, linux/netconf.h.</summary>
internal static class NetconfMessage
{
    private const ushort NETCONFA_IFINDEX = 1;
    private const ushort NETCONFA_FORWARDING = 2;
    private const ushort NETCONFA_RP_FILTER = 3;
    private const int HeaderLength = 4;

    public static Span<byte> DumpRequest(Span<byte> buffer)
    {
        var writer = new NetlinkMessageWriter(buffer, RTM_GETNETCONF, NLM_F_REQUEST | NLM_F_DUMP);
        writer.Write((uint)AF_INET);
        return writer.Finish();
    }

    /// <summary>The settings of a message; null for those of all devices, or of another family.</summary>
    public static DeviceSettings? Parse(in NetlinkMessage message)
    {
        if (message.Payload.Length == 0 || message.Payload[0] != AF_INET)
        {
            return null;
        }

        int ifIndex = 0, forwarding = 1, reversePath = 0;
        foreach (var attribute in message.Attributes(HeaderLength))
        {
            switch (attribute.Type)
            {
                case NETCONFA_IFINDEX:
                    ifIndex = attribute.Read<int>();
                    break;
                case NETCONFA_FORWARDING:
                    forwarding = attribute.Read<int>();
                    break;
                case NETCONFA_RP_FILTER:
                    reversePath = attribute.Read<int>();
                    break;
            }
        }

        // Negative numbers stand for "all" and "default".
        return ifIndex > 0 ? new DeviceSettings(ifIndex, forwarding != 0, reversePath) : null;
    }
}

/// <summary>A device's settings of IPv4.</summary>
/// <param name="Forwards">What it receives may be sent on.</param>
/// <param name="ReversePathFilter">0 none, 1 strict, 2 loose; the larger of this and that of "all" counts.</param>
internal sealed record DeviceSettings(int IfIndex, bool Forwards, int ReversePathFilter);
