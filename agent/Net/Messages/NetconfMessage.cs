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

    /// <summary>The settings of a message of a list; null for those of all devices, or of another family.</summary>
    public static DeviceSettings? Parse(in NetlinkMessage message) => Parse(message, static _ => null);

    /// <summary>The settings after an event, which tells of one of them alone.</summary>
    /// <param name="before">Those of a device by its number, where they are known.</param>
    public static DeviceSettings? Parse(in NetlinkMessage message, Func<int, DeviceSettings?> before)
    {
        if (message.Payload.Length == 0 || message.Payload[0] != AF_INET)
        {
            return null;
        }

        var ifIndex = 0;
        int? forwarding = null, reversePath = null;
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
        if (ifIndex <= 0)
        {
            return null;
        }

        var known = before(ifIndex);
        return new DeviceSettings(ifIndex, forwarding is { } set ? set != 0 : known?.Forwards != false, reversePath ?? known?.ReversePathFilter ?? 0);
    }
}

/// <summary>A device's settings of IPv4.</summary>
/// <param name="Forwards">What it receives may be sent on.</param>
/// <param name="ReversePathFilter">0 none, 1 strict, 2 loose; the larger of this and that of "all" counts.</param>
internal sealed record DeviceSettings(int IfIndex, bool Forwards, int ReversePathFilter);
