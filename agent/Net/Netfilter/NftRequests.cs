namespace OnCache.Agent.Net.Netfilter;

/// <summary>Reads nf_tables of one network namespace: that of the thread that made this object. Not for two threads at once.</summary>
internal sealed class NftRequests : IDisposable
{
    private const int RequestLength = 2200;

    private readonly NetlinkSocket _socket;
    private readonly byte[] _request = new byte[RequestLength];

    private NftRequests(NetlinkSocket socket) => _socket = socket;

    /// <summary>Null where the kernel has no netfilter.</summary>
    /// <exception cref="NetlinkException">The kernel refused a socket.</exception>
    public static NftRequests? TryOpen()
    {
        try
        {
            return new NftRequests(NetlinkSocket.Open(NetlinkProtocol.NETLINK_NETFILTER));
        }
        catch (NetlinkException none) when (none.Errno == NetlinkNative.EPROTONOSUPPORT)
        {
            return null;
        }
    }

    public List<NftTable> Tables() => Dump(NftMessage.TablesRequest(_request), "list nf_tables tables", NftMessage.ParseTable);

    public List<NftChain> Chains() => Dump(NftMessage.ChainsRequest(_request), "list nf_tables chains", NftMessage.ParseChain);

    public List<NftSet> Sets() => Dump(NftMessage.SetsRequest(_request), "list nf_tables sets", NftMessage.ParseSet);

    public List<NftRule> Rules(NftTable table) => Dump(NftMessage.RulesRequest(_request, table), $"list the rules of table {table.Name}", NftMessage.ParseRule);

    public List<NftElement> Elements(NftSet set)
    {
        var lists = Dump(
            NftMessage.ElementsRequest(_request, set),
            $"list the elements of set {set.Name}",
            static (in NetlinkMessage message) => NftMessage.ParseElements(message));
        var elements = new List<NftElement>();
        foreach (var list in lists)
        {
            elements.AddRange(list);
        }

        return elements;
    }

    /// <summary>The elements of a set that has few; null of one that has more than <paramref name="most"/>.</summary>
    public List<NftElement>? FewElements(NftSet set, int most)
    {
        // A list that is broken off leaves its rest in the socket: it gets one of its own.
        using var socket = NetlinkSocket.Open(NetlinkProtocol.NETLINK_NETFILTER);
        var elements = new List<NftElement>();
        try
        {
            return socket.TryDumpSome(
                NftMessage.ElementsRequest(_request, set),
                $"list the elements of set {set.Name}",
                (in NetlinkMessage message) =>
                {
                    elements.AddRange(NftMessage.ParseElements(message));
                    return elements.Count <= most;
                })
                ? elements
                : null;
        }
        catch (NetlinkException gone) when (gone.Errno is NetlinkNative.ENOENT or NetlinkNative.EINVAL)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private List<T> Dump<T>(Span<byte> request, string operation, NetlinkParser<T> parse)
        where T : class
    {
        try
        {
            return _socket.Dump(request, operation, parse);
        }
        catch (NetlinkException gone) when (gone.Errno is NetlinkNative.ENOENT or NetlinkNative.EINVAL or NetlinkNative.EOPNOTSUPP)
        {
            // The kernel has no nf_tables, or the table has just gone: its event follows.
            return [];
        }
    }
}
