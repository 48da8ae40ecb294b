using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net.Netfilter;

/// <summary>Messages of ipset. linux/netfilter/ipset/ip_set.h.</summary>
internal static class IpSetMessage
{
    private const ushort IPSET_CMD_LIST = 6 << 8 | 7;
    private const byte IPSET_PROTOCOL = 7;
    private const ushort IPSET_ATTR_PROTOCOL = 1;
    private const ushort IPSET_ATTR_SETNAME = 2;
    private const ushort IPSET_ATTR_TYPENAME = 3;
    private const ushort IPSET_ATTR_FLAGS = 6;
    private const ushort IPSET_ATTR_DATA = 7;
    private const ushort IPSET_ATTR_ADT = 8;
    private const ushort IPSET_ATTR_INDEX = 11;
    private const uint IPSET_FLAG_LIST_HEADER = 4;
    private const ushort IPSET_ATTR_IP = 1;
    private const ushort IPSET_ATTR_IP_TO = 2;
    private const ushort IPSET_ATTR_CIDR = 3;
    private const ushort IPSET_ATTR_TIMEOUT = 6;
    private const ushort IPSET_ATTR_BITMASK = 12;
    private const ushort IPSET_ATTR_NAME = 18;
    private const ushort IPSET_ATTR_NETMASK = 20;
    private const ushort IPSET_ATTR_IP2 = 20;
    private const ushort IPSET_ATTR_CIDR2 = 21;
    private const ushort IPSET_ATTR_BYTES = 24;
    private const ushort IPSET_ATTR_PACKETS = 25;
    private const ushort IPSET_ATTR_IPADDR_IPV4 = 1;
    private const int HeaderLength = 4;

    /// <summary>Names and numbers of all sets, without their elements.</summary>
    public static Span<byte> HeadersRequest(Span<byte> buffer)
    {
        var writer = Begin(buffer);
        writer.Attribute(IPSET_ATTR_FLAGS | NLA_F_NET_BYTEORDER, BinaryPrimitives.ReverseEndianness(IPSET_FLAG_LIST_HEADER));
        return writer.Finish();
    }

    public static Span<byte> ElementsRequest(Span<byte> buffer, string set)
    {
        var writer = Begin(buffer);
        Span<byte> name = stackalloc byte[32];
        var length = Encoding.Latin1.GetBytes(set, name[..^1]);
        name[length] = 0;
        writer.Attribute(IPSET_ATTR_SETNAME, name[..(length + 1)]);
        return writer.Finish();
    }

    /// <summary>A set's number and name.</summary>
    public static IpSetHeader? ParseHeader(in NetlinkMessage message)
    {
        ushort? index = null;
        string? name = null, type = null;
        var mask = uint.MaxValue;
        foreach (var attribute in message.Attributes(HeaderLength))
        {
            switch (attribute.Type)
            {
                case IPSET_ATTR_DATA:
                    mask = Mask(attribute);
                    break;
                case IPSET_ATTR_SETNAME:
                    // Any octets may be in it, and it is asked for by the same ones.
                    name = Encoding.Latin1.GetString(attribute.Value.TrimEnd((byte)0));
                    break;
                case IPSET_ATTR_TYPENAME:
                    type = attribute.Text;
                    break;
                case IPSET_ATTR_INDEX when attribute.Value.Length >= sizeof(ushort):
                    index = BinaryPrimitives.ReadUInt16BigEndian(attribute.Value);
                    break;
            }
        }

        return name is null ? null : new IpSetHeader(name, type ?? "", index, mask);
    }

    private static uint Mask(in NetlinkAttribute data)
    {
        var mask = uint.MaxValue;
        foreach (var part in data.Nested)
        {
            switch (part.Type)
            {
                case IPSET_ATTR_NETMASK when part.Value is [var length and < 32, ..]:
                    mask = ~(uint.MaxValue >> length);
                    break;
                case IPSET_ATTR_BITMASK when Address(part) is { } bits:
                    mask = bits;
                    break;
            }
        }

        return mask;
    }

    /// <summary>The elements of one message: what tells each, without what it counts, and the addresses it is found by.</summary>
    /// <param name="mask">The set's, by which addresses are looked up.</param>
    public static List<IpSetElement> ParseElements(in NetlinkMessage message, uint mask)
    {
        var elements = new List<IpSetElement>();
        foreach (var attribute in message.Attributes(HeaderLength))
        {
            if (attribute.Type != IPSET_ATTR_ADT)
            {
                continue;
            }

            foreach (var element in attribute.Nested)
            {
                elements.Add(ParseElement(element, mask));
            }
        }

        return elements;
    }

    private static IpSetElement ParseElement(in NetlinkAttribute element, uint mask)
    {
        var hash = new XxHash64();
        string? member = null;
        uint? first = null, last = null, second = null;
        byte prefix = 32;
        var isOfNetworks = false;
        foreach (var part in element.Nested)
        {
            if (part.Type is IPSET_ATTR_TIMEOUT or IPSET_ATTR_BYTES or IPSET_ATTR_PACKETS)
            {
                continue;
            }

            hash.Append([(byte)part.Type]);
            hash.Append(part.Value);
            switch (part.Type)
            {
                case IPSET_ATTR_IP:
                    first = Address(part);
                    break;
                case IPSET_ATTR_IP_TO:
                    last = Address(part);
                    break;
                case IPSET_ATTR_IP2:
                    second = Address(part);
                    break;
                case IPSET_ATTR_NAME:
                    member = part.Text;
                    break;
                case IPSET_ATTR_CIDR or IPSET_ATTR_CIDR2:
                    isOfNetworks = true;
                    prefix = part.Type == IPSET_ATTR_CIDR && part.Value.Length > 0 ? part.Value[0] : prefix;
                    break;
            }
        }

        var width = prefix is 0 or > 32 ? uint.MaxValue : prefix == 32 ? 0 : uint.MaxValue >> prefix;
        return new IpSetElement(
            hash.GetCurrentHashAsUInt64(),
            (first, second) switch
            {
                // A mask with holes is taken for the range from the first to the last that it finds.
                ({ } start, null) => ((start, (last ?? (start | width)) | ~mask), null),
                // Of two with a prefix, the set's type tells whose it is: a network is of neither then.
                ({ } one, { } other) when !isOfNetworks && last is null && mask == uint.MaxValue => ((one, one), (other, other)),
                _ => null,
            },
            member);
    }

    private static uint? Address(in NetlinkAttribute attribute)
    {
        foreach (var part in attribute.Nested)
        {
            if (part.Type == IPSET_ATTR_IPADDR_IPV4 && part.Value.Length >= sizeof(uint))
            {
                return BinaryPrimitives.ReadUInt32BigEndian(part.Value);
            }
        }

        return null;
    }

    private static NetlinkMessageWriter Begin(Span<byte> buffer)
    {
        var writer = new NetlinkMessageWriter(buffer, IPSET_CMD_LIST, NLM_F_REQUEST | NLM_F_DUMP);
        writer.Write((uint)AF_INET);
        writer.Attribute(IPSET_ATTR_PROTOCOL, IPSET_PROTOCOL);
        return writer;
    }
}

/// <summary>An ipset.</summary>
/// <param name="Index">By which rules name it; null of a kernel that does not tell.</param>
/// <param name="Mask">What of an address it looks up.</param>
internal sealed record IpSetHeader(string Name, string Type, ushort? Index, uint Mask);

/// <summary>An element of an ipset.</summary>
/// <param name="Fingerprint">Of all that it is, without what it counts and when it ends.</param>
/// <param name="Addresses">
/// The only addresses that it can be found by, in host byte order: those of its first part, and those of its last where that is one, too. Null where
/// that is not known.
/// </param>
/// <param name="Member">Of a set of sets, the name of the one that it is.</param>
internal readonly record struct IpSetElement(ulong Fingerprint, ((uint First, uint Last) One, (uint First, uint Last)? Other)? Addresses, string? Member);
