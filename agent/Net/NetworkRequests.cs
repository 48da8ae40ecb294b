using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>
/// Reads the kernel's tables of one network namespace: that of the thread that made this object. Not for two threads at once.
/// </summary>
internal sealed class NetworkRequests : IDisposable
{
    // Every request here is far smaller.
    private const int RequestLength = 256;

    private readonly NetlinkSocket _route;
    private readonly NetlinkSocket? _xfrm;

    private NetworkRequests(NetlinkSocket route, NetlinkSocket? xfrm)
    {
        _route = route;
        _xfrm = xfrm;
    }

    /// <exception cref="NetlinkException">The kernel refused a socket.</exception>
    public static NetworkRequests Open()
    {
        var route = NetlinkSocket.Open(NETLINK_ROUTE);
        try
        {
            return new NetworkRequests(route, XfrmSocket.TryOpen());
        }
        catch
        {
            route.Dispose();
            throw;
        }
    }

    public List<Link> Links() => _route.Dump(LinkMessage.DumpRequest(new byte[RequestLength]), "list devices", LinkMessage.Parse);

    public List<InterfaceAddress> Addresses() =>
        _route.Dump(AddressMessage.DumpRequest(new byte[RequestLength]), "list IPv4 addresses", AddressMessage.Parse);

    public List<Ipv4Route> Routes() =>
        _route.Dump(RouteMessage.DumpRequest(new byte[RequestLength]), "list IPv4 routes", RouteMessage.Parse);

    public List<RoutingRule> Rules() =>
        _route.Dump(RuleMessage.DumpRequest(new byte[RequestLength]), "list IPv4 routing rules", RuleMessage.Parse);

    public List<Neighbour> Neighbours() => _route.Dump(
        NeighbourMessage.DumpRequest(new byte[RequestLength], AF_INET), "list IPv4 neighbours", NeighbourMessage.ParseNeighbour);

    public List<FdbEntry> Fdb() => _route.Dump(
        NeighbourMessage.DumpRequest(new byte[RequestLength], AF_BRIDGE), "list forwarding entries", NeighbourMessage.ParseFdb);

    public List<Qdisc> Qdiscs() =>
        _route.Dump(TcMessage.QdiscDumpRequest(new byte[RequestLength]), "list qdiscs", TcMessage.ParseQdisc);

    /// <summary>The filters at one device's clsact or ingress qdisc; none when it has neither.</summary>
    public List<TcFilter> Filters(int ifIndex, IEnumerable<Qdisc> qdiscs)
    {
        var hook = qdiscs.FirstOrDefault(static qdisc => qdisc.Parent == Qdisc.Clsact);
        if (hook is null)
        {
            return [];
        }

        var filters = Filters(ifIndex, TcDirection.Ingress);
        if (hook.Kind == "clsact")
        {
            // An "ingress" qdisc would answer with its ingress filters a second time.
            filters.AddRange(Filters(ifIndex, TcDirection.Egress));
        }

        return filters;
    }

    public List<DeviceSettings> Settings() =>
        _route.Dump(NetconfMessage.DumpRequest(new byte[RequestLength]), "list settings of devices", NetconfMessage.Parse);

    /// <summary>IPsec policies; none when the kernel has no IPsec.</summary>
    public List<XfrmPolicy> XfrmPolicies() =>
        _xfrm is null
            ? []
            : _xfrm.Dump(XfrmPolicyMessage.DumpRequest(new byte[RequestLength]), "list IPsec policies", XfrmPolicyMessage.Parse);

    /// <inheritdoc/>
    public void Dispose()
    {
        _route.Dispose();
        _xfrm?.Dispose();
    }

    private List<TcFilter> Filters(int ifIndex, TcDirection direction)
    {
        try
        {
            return _route.Dump(
                TcMessage.FilterDumpRequest(new byte[RequestLength], ifIndex, direction),
                "list filters",
                (in message) => TcMessage.ParseFilter(message, ifIndex, direction));
        }
        catch (NetlinkException e) when (e.Errno is NetlinkNative.EINVAL or NetlinkNative.ENODEV or NetlinkNative.ENOENT)
        {
            // The device or its qdisc has just gone; its event follows.
            return [];
        }
    }
}
