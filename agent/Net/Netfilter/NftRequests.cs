namespace OnCache.Agent.Net.Netfilter;

/// <summary>Reads nf_tables of one network namespace: that of the thread that made this object. Not for two threads at once.</summary>
internal sealed class NftRequests : IDisposable
{
    private const int RequestLength = 2200;

    private NetlinkSocket _socket;
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

    /// <summary>Whether nothing changed in nf_tables while rules or elements were read; set it before, for several reads.</summary>
    public bool IsSteady { get; set; } = true;

    public List<NftTable> Tables() => All(NftMessage.TablesRequest(_request), "list nf_tables tables", NftMessage.ParseTable);

    public List<NftChain> Chains() => All(NftMessage.ChainsRequest(_request), "list nf_tables chains", NftMessage.ParseChain);

    public List<NftSet> Sets() => All(NftMessage.SetsRequest(_request), "list nf_tables sets", NftMessage.ParseSet);

    /// <summary>The rules of a table one by one, until <paramref name="take"/> has enough.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void Rules(NftTable table, Func<NftRule, bool> take) =>
        Some(NftMessage.RulesRequest(_request, table), $"list the rules of table {table.Name}", (in NetlinkMessage message) => NftMessage.ParseRule(message) is not { } rule || take(rule), out _);

    /// <summary>The elements of a set; of one that has more than <paramref name="most"/>, the first of them. Null where it is gone.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public NftContents? Elements(NftSet set, int most)
    {
        var elements = new List<NftElement>();
        return Some(
            NftMessage.ElementsRequest(_request, set),
            $"list the elements of set {set.Name}",
            (in NetlinkMessage message) =>
            {
                elements.AddRange(NftMessage.ParseElements(message));
                return elements.Count <= most;
            },
            out var isWhole)
            ? new NftContents(elements, isWhole)
            : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    /// <param name="isWhole">Whether all of it was read.</param>
    /// <returns>False where there is no such list, or no longer.</returns>
    private bool Some(Span<byte> request, string operation, NetlinkTaker take, out bool isWhole)
    {
        isWhole = false;
        try
        {
            isWhole = _socket.TryDumpSome(request, operation, take, out var steady);
            IsSteady &= steady;
        }
        catch (NetlinkException gone) when (gone.Errno is NetlinkNative.ENOENT or NetlinkNative.EINVAL)
        {
            // Its event follows.
            IsSteady = false;
            return false;
        }

        if (!isWhole)
        {
            // The rest of the list would answer the next request.
            _socket.Dispose();
            _socket = NetlinkSocket.Open(NetlinkProtocol.NETLINK_NETFILTER);
        }

        return true;
    }

    private List<T> All<T>(Span<byte> request, string operation, NetlinkParser<T> parse)
        where T : class
    {
        try
        {
            return _socket.Dump(request, operation, parse);
        }
        catch (NetlinkException none) when (none.Errno == NetlinkNative.EINVAL)
        {
            // What nfnetlink answers for a subsystem that nobody has registered: the kernel has no nf_tables.
            return [];
        }
    }
}
