using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;

using static OnCache.Agent.Net.Netfilter.NftProtocol;
using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net.Netfilter;

/// <summary>Messages of nf_tables. linux/netfilter/nf_tables.h; its numbers are in network byte order.</summary>
internal static class NftMessage
{
    private const int HeaderLength = 4;

    public static Span<byte> TablesRequest(Span<byte> buffer) => Dump(buffer, NFT_MSG_GETTABLE, AF_UNSPEC).Finish();

    public static Span<byte> ChainsRequest(Span<byte> buffer) => Dump(buffer, NFT_MSG_GETCHAIN, AF_UNSPEC).Finish();

    /// <summary>All rules, or those of one table.</summary>
    public static Span<byte> RulesRequest(Span<byte> buffer, NftTable? table = null)
    {
        var writer = Dump(buffer, NFT_MSG_GETRULE, table?.Family ?? AF_UNSPEC);
        if (table is not null)
        {
            Text(ref writer, NFTA_RULE_TABLE, table.Name);
        }

        return writer.Finish();
    }

    public static Span<byte> SetsRequest(Span<byte> buffer) => Dump(buffer, NFT_MSG_GETSET, AF_UNSPEC).Finish();

    public static Span<byte> ElementsRequest(Span<byte> buffer, NftSet set)
    {
        var writer = Dump(buffer, NFT_MSG_GETSETELEM, set.Family);
        Text(ref writer, NFTA_SET_ELEM_LIST_TABLE, set.Table);
        Text(ref writer, NFTA_SET_ELEM_LIST_SET, set.Name);
        return writer.Finish();
    }

    public static NftTable? ParseTable(in NetlinkMessage message)
    {
        string? name = null;
        uint flags = 0;
        foreach (var attribute in message.Attributes(HeaderLength))
        {
            switch (attribute.Type)
            {
                case NFTA_TABLE_NAME:
                    name = attribute.Text;
                    break;
                case NFTA_TABLE_FLAGS:
                    flags = Number(attribute);
                    break;
            }
        }

        return name is null ? null : new NftTable(Family(message), name, (flags & NFT_TABLE_F_DORMANT) != 0);
    }

    public static NftChain? ParseChain(in NetlinkMessage message)
    {
        string? table = null, name = null, type = null;
        ulong handle = 0;
        var drops = false;
        NftHook? hook = null;
        foreach (var attribute in message.Attributes(HeaderLength))
        {
            switch (attribute.Type)
            {
                case NFTA_CHAIN_TABLE:
                    table = attribute.Text;
                    break;
                case NFTA_CHAIN_NAME:
                    name = attribute.Text;
                    break;
                case NFTA_CHAIN_HOOK:
                    hook = ParseHook(attribute);
                    break;
                case NFTA_CHAIN_TYPE:
                    type = attribute.Text;
                    break;
                case NFTA_CHAIN_HANDLE when attribute.Value.Length >= sizeof(ulong):
                    handle = BinaryPrimitives.ReadUInt64BigEndian(attribute.Value);
                    break;
                case NFTA_CHAIN_POLICY:
                    drops = Number(attribute) == NF_DROP;
                    break;
            }
        }

        return table is null || name is null ? null
            : new NftChain(Family(message), table, name, handle, hook is null ? null : hook with { Type = type ?? "filter", Drops = drops });
    }

    public static NftRule? ParseRule(in NetlinkMessage message)
    {
        string? table = null, chain = null;
        ulong handle = 0;
        byte[] expressions = [], userData = [];
        foreach (var attribute in message.Attributes(HeaderLength))
        {
            switch (attribute.Type)
            {
                case NFTA_RULE_TABLE:
                    table = attribute.Text;
                    break;
                case NFTA_RULE_CHAIN:
                    chain = attribute.Text;
                    break;
                case NFTA_RULE_HANDLE when attribute.Value.Length >= sizeof(ulong):
                    handle = BinaryPrimitives.ReadUInt64BigEndian(attribute.Value);
                    break;
                case NFTA_RULE_EXPRESSIONS:
                    expressions = attribute.Value.ToArray();
                    break;
                case NFTA_RULE_USERDATA:
                    userData = attribute.Value.ToArray();
                    break;
            }
        }

        return table is null || chain is null ? null : new NftRule(Family(message), table, chain, handle, expressions, userData);
    }

    /// <summary>Of an event of a rule, no more than where it is.</summary>
    public static (byte Family, string? Table, string? Chain) PlaceOfRule(in NetlinkMessage message) => PlaceOf(message, NFTA_RULE_TABLE, NFTA_RULE_CHAIN);

    /// <summary>How an event of a rule begins: with the transaction, the family and the table, so that those of the same ones begin alike. Empty where it does not.</summary>
    public static ReadOnlySpan<byte> TableOfRule(in NetlinkMessage message)
    {
        const int AttributeHeader = 4;
        var payload = message.Payload;
        if (payload.Length < HeaderLength + AttributeHeader)
        {
            return default;
        }

        var (length, type) = (MemoryMarshal.Read<ushort>(payload[HeaderLength..]), MemoryMarshal.Read<ushort>(payload[(HeaderLength + sizeof(ushort))..]));
        return type == NFTA_RULE_TABLE && HeaderLength + length <= payload.Length ? payload[..(HeaderLength + length)] : default;
    }

    public static NftSet? ParseSet(in NetlinkMessage message)
    {
        string? table = null, name = null;
        uint flags = 0, dataType = 0, keyLength = 0;
        var handle = 0UL;
        ImmutableArray<string> stateful = [];
        foreach (var attribute in message.Attributes(HeaderLength))
        {
            switch (attribute.Type)
            {
                case NFTA_SET_TABLE:
                    table = attribute.Text;
                    break;
                case NFTA_SET_NAME:
                    name = attribute.Text;
                    break;
                case NFTA_SET_FLAGS:
                    flags = Number(attribute);
                    break;
                case NFTA_SET_KEY_LEN:
                    keyLength = Number(attribute);
                    break;
                case NFTA_SET_DATA_TYPE:
                    dataType = Number(attribute);
                    break;
                case NFTA_SET_HANDLE when attribute.Value.Length >= sizeof(ulong):
                    handle = BinaryPrimitives.ReadUInt64BigEndian(attribute.Value);
                    break;
                case NFTA_SET_EXPR:
                    stateful = [NameOf(attribute)];
                    break;
                case NFTA_SET_EXPRESSIONS:
                    stateful = NamesOf(attribute);
                    break;
            }
        }

        return table is null || name is null ? null : new NftSet(Family(message), table, name, flags, (int)Math.Min(keyLength, ushort.MaxValue), dataType)
        {
            Stateful = stateful,
            Handle = handle,
        };
    }

    /// <summary>The elements of one message of a list, or of an event.</summary>
    public static List<NftElement> ParseElements(in NetlinkMessage message)
    {
        var elements = new List<NftElement>();
        string? table = null, set = null;
        foreach (var attribute in message.Attributes(HeaderLength))
        {
            switch (attribute.Type)
            {
                case NFTA_SET_ELEM_LIST_TABLE:
                    table = attribute.Text;
                    break;
                case NFTA_SET_ELEM_LIST_SET:
                    set = attribute.Text;
                    break;
                case NFTA_SET_ELEM_LIST_ELEMENTS:
                    foreach (var element in attribute.Nested)
                    {
                        elements.Add(ParseElement(table ?? "", set ?? "", element));
                    }

                    break;
            }
        }

        return elements;
    }

    public static (byte Family, string? Table, string? Set) PlaceOfElements(in NetlinkMessage message) =>
        PlaceOf(message, NFTA_SET_ELEM_LIST_TABLE, NFTA_SET_ELEM_LIST_SET);

    /// <summary>NFTA_DATA_*: the value's octets, or a verdict.</summary>
    public static (byte[]? Value, NftVerdict? Verdict) ParseData(in NetlinkAttribute data)
    {
        byte[]? value = null;
        NftVerdict? verdict = null;
        foreach (var attribute in data.Nested)
        {
            if (attribute.Type == NFTA_DATA_VALUE)
            {
                value = attribute.Value.ToArray();
            }
            else if (attribute.Type == NFTA_DATA_VERDICT)
            {
                var code = NFT_BREAK;
                string? chain = null;
                foreach (var part in attribute.Nested)
                {
                    code = part.Type == NFTA_VERDICT_CODE ? (int)Number(part) : code;
                    chain = part.Type == NFTA_VERDICT_CHAIN ? part.Text : chain;
                }

                verdict = new NftVerdict(code, chain);
            }
        }

        return (value, verdict);
    }

    /// <summary>A number of nf_tables; 0 of a value too short.</summary>
    public static uint Number(in NetlinkAttribute attribute) =>
        attribute.Value.Length >= sizeof(uint) ? BinaryPrimitives.ReadUInt32BigEndian(attribute.Value) : 0;

    private static byte Family(in NetlinkMessage message) => message.Payload.Length > 0 ? message.Payload[0] : (byte)0;

    private static (byte Family, string? First, string? Second) PlaceOf(in NetlinkMessage message, ushort first, ushort second)
    {
        string? one = null, two = null;
        foreach (var attribute in message.Attributes(HeaderLength))
        {
            if (attribute.Type == first)
            {
                one = attribute.Text;
            }
            else if (attribute.Type == second)
            {
                two = attribute.Text;
                break;
            }
        }

        return (Family(message), one, two);
    }

    private static NftHook ParseHook(in NetlinkAttribute hook)
    {
        int number = 0, priority = 0;
        var devices = ImmutableArray.CreateBuilder<NftDevice>();
        foreach (var attribute in hook.Nested)
        {
            switch (attribute.Type)
            {
                case NFTA_HOOK_HOOKNUM:
                    number = (int)Number(attribute);
                    break;
                case NFTA_HOOK_PRIORITY:
                    priority = (int)Number(attribute);
                    break;
                case NFTA_HOOK_DEV:
                    devices.Add(new NftDevice(attribute.Text, IsPrefix: false));
                    break;
                case NFTA_HOOK_DEVS:
                    foreach (var device in attribute.Nested)
                    {
                        var named = new NftDevice(device.Text, device.Type == NFTA_DEVICE_PREFIX);
                        if (device.Type is NFTA_DEVICE_NAME or NFTA_DEVICE_PREFIX && !devices.Contains(named))
                        {
                            devices.Add(named);
                        }
                    }

                    break;
            }
        }

        return new NftHook(number, priority, "filter", Drops: false, devices.ToImmutable());
    }

    private static NftElement ParseElement(string table, string set, in NetlinkAttribute element)
    {
        byte[] key = [];
        byte[]? keyEnd = null;
        uint flags = 0;
        NftVerdict? verdict = null;
        ImmutableArray<string> stateful = [];
        foreach (var attribute in element.Nested)
        {
            switch (attribute.Type)
            {
                case NFTA_SET_ELEM_KEY:
                    key = ParseData(attribute).Value ?? [];
                    break;
                case NFTA_SET_ELEM_KEY_END:
                    keyEnd = ParseData(attribute).Value;
                    break;
                case NFTA_SET_ELEM_DATA:
                    verdict = ParseData(attribute).Verdict;
                    break;
                case NFTA_SET_ELEM_FLAGS:
                    flags = Number(attribute);
                    break;
                case NFTA_SET_ELEM_EXPR:
                    stateful = [NameOf(attribute)];
                    break;
                case NFTA_SET_ELEM_EXPRESSIONS:
                    stateful = NamesOf(attribute);
                    break;
            }
        }

        return new NftElement(
            table, set, key, keyEnd, (flags & NFT_SET_ELEM_INTERVAL_END) != 0, (flags & NFT_SET_ELEM_CATCHALL) != 0, verdict, stateful);
    }

    private static ImmutableArray<string> NamesOf(in NetlinkAttribute expressions)
    {
        var names = ImmutableArray.CreateBuilder<string>();
        foreach (var expression in expressions.Nested)
        {
            names.Add(NameOf(expression));
        }

        return names.ToImmutable();
    }

    private static string NameOf(in NetlinkAttribute expression)
    {
        foreach (var attribute in expression.Nested)
        {
            if (attribute.Type == NFTA_EXPR_NAME)
            {
                return attribute.Text;
            }
        }

        return "";
    }

    private static NetlinkMessageWriter Dump(Span<byte> buffer, ushort type, byte family)
    {
        var writer = new NetlinkMessageWriter(buffer, type, NLM_F_REQUEST | NLM_F_DUMP);
        writer.Write((uint)family);
        return writer;
    }

    private static void Text(ref NetlinkMessageWriter writer, ushort type, string text)
    {
        // Names have at most 256 characters (NFT_NAME_MAXLEN).
        Span<byte> octets = stackalloc byte[1024];
        var length = Encoding.UTF8.GetBytes(text, octets[..^1]);
        octets[length] = 0;
        writer.Attribute(type, octets[..(length + 1)]);
    }
}
