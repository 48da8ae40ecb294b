using System.Collections.Immutable;

using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>
/// Keeps a snapshot current from the kernel's events. Where an event does not say everything, or the kernel sends none, the part is
/// marked stale for <see cref="Refresh"/> to read again. Does no input or output except in <see cref="Refresh"/>.
/// </summary>
internal sealed class NetworkUpdater
{
    // TCM_IFINDEX_MAGIC_BLOCK: the filter belongs to a block that several devices share.
    private const int SharedBlock = -1;

    private readonly HashSet<int> _devices = [];
    private readonly HashSet<int> _staleFilters = [];
    private NetworkChangeKinds _kinds;
    private NetworkChangeKinds _stale;

    public NetworkUpdater(NetworkSnapshot snapshot) => Snapshot = snapshot;

    public NetworkSnapshot Snapshot { get; private set; }

    /// <summary>Parts that must be read again.</summary>
    public NetworkChangeKinds Stale => _stale | (_staleFilters.Count > 0 ? NetworkChangeKinds.Filters : NetworkChangeKinds.None);

    /// <summary>What changed since the last call; null when nothing did.</summary>
    public NetworkChange? TakeChange()
    {
        if (_kinds == NetworkChangeKinds.None)
        {
            return null;
        }

        var change = new NetworkChange(Snapshot, _kinds, [.. _devices]);
        _kinds = NetworkChangeKinds.None;
        _devices.Clear();
        return change;
    }

    /// <summary>Applies one rtnetlink event.</summary>
    public void Apply(in NetlinkMessage message)
    {
        switch (message.Type)
        {
            // A bridge tells of its ports' states in words of its own; the list has them with the rest.
            case RTM_NEWLINK when LinkMessage.IsOfBridgePort(message):
                _stale |= NetworkChangeKinds.Links;
                break;
            case RTM_NEWLINK:
                SetLink(LinkMessage.Parse(message));
                break;
            case RTM_DELLINK:
                RemoveLink(LinkMessage.Parse(message));
                break;
            case RTM_NEWADDR:
                SetAddress(AddressMessage.Parse(message));
                break;
            case RTM_DELADDR:
                RemoveAddress(AddressMessage.Parse(message));
                break;
            case RTM_NEWROUTE:
                AddRoute(RouteMessage.Parse(message), replace: (message.Flags & NLM_F_REPLACE) != 0);
                break;
            case RTM_DELROUTE:
                RemoveRoute(RouteMessage.Parse(message));
                break;
            case RTM_NEWNEIGH:
                SetNeighbour(NeighbourMessage.ParseNeighbour(message));
                SetFdb(NeighbourMessage.ParseFdb(message));
                break;
            case RTM_DELNEIGH:
                RemoveNeighbour(NeighbourMessage.ParseNeighbour(message));
                RemoveFdb(NeighbourMessage.ParseFdb(message));
                break;
            case RTM_NEWRULE or RTM_DELRULE:
                _stale |= NetworkChangeKinds.Rules;
                break;
            // Removing a nexthop object removes its routes without an event for each.
            case RTM_NEWNEXTHOP or RTM_DELNEXTHOP:
                _stale |= NetworkChangeKinds.Routes;
                break;
            case RTM_NEWNETCONF when NetconfMessage.Parse(message, index => Snapshot.Settings.GetValueOrDefault(index)) is { } settings:
                if (Snapshot.Settings.GetValueOrDefault(settings.IfIndex) != settings)
                {
                    Change(Snapshot with { Settings = Snapshot.Settings.SetItem(settings.IfIndex, settings) }, NetworkChangeKinds.Settings, settings.IfIndex);
                }

                break;
            case RTM_NEWQDISC:
                SetQdisc(TcMessage.ParseQdisc(message));
                break;
            case RTM_DELQDISC:
                RemoveQdisc(TcMessage.ParseQdisc(message));
                break;
            case RTM_NEWTFILTER or RTM_DELTFILTER or RTM_NEWCHAIN or RTM_DELCHAIN:
                MarkFilters(TcMessage.IfIndex(message));
                break;
        }
    }

    /// <summary>Notes an event of IPsec policies: their events do not carry all that is needed, and policies are few.</summary>
    public void ApplyXfrm() => _stale |= NetworkChangeKinds.XfrmPolicies;

    /// <summary>Reads the stale parts again.</summary>
    /// <exception cref="NetlinkException">The kernel refused; what was not read stays stale.</exception>
    public void Refresh(NetworkRequests requests)
    {
        if (_stale.HasFlag(NetworkChangeKinds.Links))
        {
            foreach (var link in requests.Links())
            {
                SetLink(link);
            }

            _stale &= ~NetworkChangeKinds.Links;
        }

        if (_stale.HasFlag(NetworkChangeKinds.Routes))
        {
            ReplaceRoutes(NetworkSnapshotReader.Tables(requests.Routes()));
            _stale &= ~NetworkChangeKinds.Routes;
        }

        if (_stale.HasFlag(NetworkChangeKinds.Rules))
        {
            ImmutableArray<RoutingRule> rules = [.. requests.Rules()];
            if (!rules.SequenceEqual(Snapshot.Rules))
            {
                Change(Snapshot with { Rules = rules }, NetworkChangeKinds.Rules);
            }

            _stale &= ~NetworkChangeKinds.Rules;
        }

        if (_stale.HasFlag(NetworkChangeKinds.XfrmPolicies))
        {
            ImmutableArray<XfrmPolicy> policies = [.. requests.XfrmPolicies()];
            if (!policies.SequenceEqual(Snapshot.XfrmPolicies))
            {
                Change(Snapshot with { XfrmPolicies = policies }, NetworkChangeKinds.XfrmPolicies);
            }

            _stale &= ~NetworkChangeKinds.XfrmPolicies;
        }

        foreach (var ifIndex in _staleFilters.ToArray())
        {
            SetFilters(ifIndex, [.. requests.Filters(ifIndex, Snapshot.Qdiscs.GetValueOrDefault(ifIndex, []))]);
            _staleFilters.Remove(ifIndex);
        }
    }

    /// <summary>Starts over from a snapshot read after events were lost.</summary>
    public void Resync(NetworkSnapshot snapshot)
    {
        _devices.UnionWith(Snapshot.Links.Keys);
        _devices.UnionWith(snapshot.Links.Keys);
        _staleFilters.Clear();
        _stale = NetworkChangeKinds.None;
        Change(snapshot, NetworkChangeKinds.All);
    }

    private void SetLink(Link? link)
    {
        if (link is null)
        {
            return;
        }

        var old = Snapshot.Links.GetValueOrDefault(link.IfIndex);
        if (old == link)
        {
            return;
        }

        // A device that goes down takes its routes with it, and the kernel sends no event for them.
        if (old is { IsUp: true } && !link.IsUp)
        {
            MarkRoutesOf(link.IfIndex);
        }

        Change(Snapshot with { Links = Snapshot.Links.SetItem(link.IfIndex, link) }, NetworkChangeKinds.Links, link.IfIndex);
    }

    private void RemoveLink(Link? link)
    {
        if (link is null || !Snapshot.Links.ContainsKey(link.IfIndex))
        {
            return;
        }

        var ifIndex = link.IfIndex;
        MarkRoutesOf(ifIndex);
        // A veth peer that moved to another namespace: this side gets no event that says so.
        if (Snapshot.Links.Values.Any(other => other.PeerIfIndex == ifIndex && other.PeerNamespaceId is null))
        {
            _stale |= NetworkChangeKinds.Links;
        }

        _staleFilters.Remove(ifIndex);
        Change(
            Snapshot with
            {
                Links = Snapshot.Links.Remove(ifIndex),
                Settings = Snapshot.Settings.Remove(ifIndex),
                Addresses = Snapshot.Addresses.Remove(ifIndex),
                Neighbours = Snapshot.Neighbours.Remove(ifIndex),
                Fdb = Snapshot.Fdb.Remove(ifIndex),
                Qdiscs = Snapshot.Qdiscs.Remove(ifIndex),
                Filters = Snapshot.Filters.Remove(ifIndex),
            },
            NetworkChangeKinds.Links,
            ifIndex);
    }

    private void SetAddress(InterfaceAddress? address)
    {
        if (address is null)
        {
            return;
        }

        var addresses = Snapshot.Addresses.GetValueOrDefault(address.IfIndex, []);
        var index = IndexOf(addresses, address);
        if (index >= 0 && addresses[index] == address)
        {
            return;
        }

        SetAddresses(address.IfIndex, index < 0 ? addresses.Add(address) : addresses.SetItem(index, address));
    }

    private void RemoveAddress(InterfaceAddress? address)
    {
        if (address is null)
        {
            return;
        }

        var addresses = Snapshot.Addresses.GetValueOrDefault(address.IfIndex, []);
        var index = IndexOf(addresses, address);
        if (index < 0)
        {
            return;
        }

        // Routes that prefer this source go with it, and older kernels send no event for them.
        if (AllRoutes().Any(route => route.PreferredSource == address.Address))
        {
            _stale |= NetworkChangeKinds.Routes;
        }

        SetAddresses(address.IfIndex, addresses.RemoveAt(index));
    }

    private static int IndexOf(ImmutableArray<InterfaceAddress> addresses, InterfaceAddress address)
    {
        for (var i = 0; i < addresses.Length; i++)
        {
            if (addresses[i].Address == address.Address && addresses[i].PrefixLength == address.PrefixLength)
            {
                return i;
            }
        }

        return -1;
    }

    private void SetAddresses(int ifIndex, ImmutableArray<InterfaceAddress> addresses) => Change(
        Snapshot with
        {
            Addresses = addresses.IsEmpty ? Snapshot.Addresses.Remove(ifIndex) : Snapshot.Addresses.SetItem(ifIndex, addresses),
        },
        NetworkChangeKinds.Addresses,
        ifIndex);

    private void AddRoute(Ipv4Route? route, bool replace)
    {
        if (route is null)
        {
            return;
        }

        var alternatives = Table(route.Table).Alternatives(route.Destination);
        if (alternatives.Contains(route))
        {
            return;
        }

        var rivals = alternatives.Where(other => other.Tos == route.Tos && other.Priority == route.Priority).ToList();
        switch (rivals)
        {
            case []:
                SetRoutes(route, alternatives.Add(route));
                break;
            case [var rival] when replace:
                SetRoutes(route, alternatives.Replace(rival, route));
                break;
            default:
                // Which of several equal routes comes first is told only by the list.
                _stale |= NetworkChangeKinds.Routes;
                break;
        }
    }

    private void RemoveRoute(Ipv4Route? route)
    {
        if (route is null)
        {
            return;
        }

        var alternatives = Table(route.Table).Alternatives(route.Destination);
        if (alternatives.Contains(route))
        {
            SetRoutes(route, alternatives.Remove(route));
        }
        else if (!alternatives.IsEmpty)
        {
            _stale |= NetworkChangeKinds.Routes;
        }
    }

    private RouteTable Table(uint table) => Snapshot.RouteTables.GetValueOrDefault(table, RouteTable.Empty);

    private void SetRoutes(Ipv4Route route, ImmutableArray<Ipv4Route> alternatives)
    {
        var table = Table(route.Table).With(route.Destination, alternatives);
        Change(
            Snapshot with
            {
                RouteTables = table.IsEmpty ? Snapshot.RouteTables.Remove(route.Table) : Snapshot.RouteTables.SetItem(route.Table, table),
            },
            NetworkChangeKinds.Routes,
            route.OutIfIndex);
    }

    private void ReplaceRoutes(ImmutableDictionary<uint, RouteTable> tables)
    {
        var before = AllRoutes().ToHashSet();
        var after = tables.Values.SelectMany(static table => table.Routes).ToHashSet();
        // The order among equals may differ where the set does not, so the tables are taken in any case.
        Snapshot = Snapshot with { RouteTables = tables };
        before.SymmetricExceptWith(after);
        foreach (var route in before)
        {
            Change(Snapshot, NetworkChangeKinds.Routes, route.OutIfIndex);
        }
    }

    private IEnumerable<Ipv4Route> AllRoutes() => Snapshot.RouteTables.Values.SelectMany(static table => table.Routes);

    private void MarkRoutesOf(int ifIndex)
    {
        if (AllRoutes().Any(route => route.OutIfIndex == ifIndex || route.Specialty != RouteSpecialty.None))
        {
            _stale |= NetworkChangeKinds.Routes;
        }
    }

    private void SetNeighbour(Neighbour? neighbour)
    {
        if (neighbour is null)
        {
            return;
        }

        var known = Snapshot.Neighbour(neighbour.IfIndex, neighbour.Address);
        if (known == neighbour)
        {
            return;
        }

        var table = Snapshot.Neighbours.GetValueOrDefault(neighbour.IfIndex, ImmutableDictionary<Ipv4Address, Neighbour>.Empty);
        var snapshot = Snapshot with { Neighbours = Snapshot.Neighbours.SetItem(neighbour.IfIndex, table.SetItem(neighbour.Address, neighbour)) };
        if (known is { IsUsable: true } && neighbour.IsUsable && known.Mac == neighbour.Mac)
        {
            // The kernel confirms it now and then; nothing follows from that, and a hundred pods are confirmed all the time.
            Snapshot = snapshot;
            return;
        }

        Change(snapshot, NetworkChangeKinds.Neighbours, neighbour.IfIndex);
    }

    private void RemoveNeighbour(Neighbour? neighbour)
    {
        if (neighbour is null || Snapshot.Neighbour(neighbour.IfIndex, neighbour.Address) is null)
        {
            return;
        }

        var table = Snapshot.Neighbours[neighbour.IfIndex].Remove(neighbour.Address);
        Change(
            Snapshot with
            {
                Neighbours = table.IsEmpty
                    ? Snapshot.Neighbours.Remove(neighbour.IfIndex)
                    : Snapshot.Neighbours.SetItem(neighbour.IfIndex, table),
            },
            NetworkChangeKinds.Neighbours,
            neighbour.IfIndex);
    }

    private void SetFdb(FdbEntry? entry)
    {
        if (entry is null)
        {
            return;
        }

        if (!entry.Self)
        {
            LeaveOtherPorts(entry);
        }

        var table = Snapshot.Fdb.GetValueOrDefault(entry.IfIndex, ImmutableDictionary<FdbKey, FdbEntry>.Empty);
        if (table.GetValueOrDefault(entry.Key) == entry)
        {
            return;
        }

        Change(
            Snapshot with { Fdb = Snapshot.Fdb.SetItem(entry.IfIndex, table.SetItem(entry.Key, entry)) },
            NetworkChangeKinds.Fdb,
            entry.IfIndex);
    }

    /// <summary>A station has one port of a bridge; when it moves, the kernel reports the new port only.</summary>
    private void LeaveOtherPorts(FdbEntry entry)
    {
        foreach (var (ifIndex, table) in Snapshot.Fdb)
        {
            if (ifIndex != entry.IfIndex && table.TryGetValue(entry.Key, out var former) && former.MasterIfIndex == entry.MasterIfIndex)
            {
                RemoveFdb(former);
            }
        }
    }

    private void RemoveFdb(FdbEntry? entry)
    {
        if (entry is null || Snapshot.Fdb.GetValueOrDefault(entry.IfIndex) is not { } table || !table.ContainsKey(entry.Key))
        {
            return;
        }

        table = table.Remove(entry.Key);
        Change(
            Snapshot with { Fdb = table.IsEmpty ? Snapshot.Fdb.Remove(entry.IfIndex) : Snapshot.Fdb.SetItem(entry.IfIndex, table) },
            NetworkChangeKinds.Fdb,
            entry.IfIndex);
    }

    private void SetQdisc(Qdisc? qdisc)
    {
        if (qdisc is null)
        {
            return;
        }

        // One place holds one qdisc. What was within another root went with it, and of that no event tells.
        var others = Snapshot.Qdiscs.GetValueOrDefault(qdisc.IfIndex, []);
        var isOtherRoot = qdisc.Parent == Qdisc.Root && !others.Any(other => IsSame(other, qdisc));
        SetQdiscs(qdisc, others.RemoveAll(other => other.Parent == qdisc.Parent || (isOtherRoot && other.Parent != Qdisc.Clsact)).Add(qdisc));
    }

    private static bool IsSame(Qdisc one, Qdisc other) => one.Parent == other.Parent && one.Handle == other.Handle && string.Equals(one.Kind, other.Kind, StringComparison.Ordinal);

    private void RemoveQdisc(Qdisc? qdisc)
    {
        if (qdisc is not null)
        {
            var others = Snapshot.Qdiscs.GetValueOrDefault(qdisc.IfIndex, []);
            var isRoot = qdisc.Parent == Qdisc.Root && others.Any(other => IsSame(other, qdisc));
            SetQdiscs(qdisc, others.RemoveAll(other => (other.Parent == qdisc.Parent && other.Handle == qdisc.Handle) || (isRoot && other.Parent != Qdisc.Clsact)));
        }
    }

    private void SetQdiscs(Qdisc changed, ImmutableArray<Qdisc> qdiscs)
    {
        if (changed.Parent == Qdisc.Clsact)
        {
            MarkFilters(changed.IfIndex);
        }

        Change(
            Snapshot with
            {
                Qdiscs = qdiscs.IsEmpty ? Snapshot.Qdiscs.Remove(changed.IfIndex) : Snapshot.Qdiscs.SetItem(changed.IfIndex, qdiscs),
            },
            NetworkChangeKinds.Qdiscs,
            changed.IfIndex);
    }

    private void MarkFilters(int ifIndex)
    {
        if (ifIndex == SharedBlock)
        {
            _staleFilters.UnionWith(Snapshot.Qdiscs.Keys);
        }
        else
        {
            _staleFilters.Add(ifIndex);
        }
    }

    private void SetFilters(int ifIndex, ImmutableArray<TcFilter> filters)
    {
        if (filters.SequenceEqual(Snapshot.Filters.GetValueOrDefault(ifIndex, [])))
        {
            return;
        }

        Change(
            Snapshot with { Filters = filters.IsEmpty ? Snapshot.Filters.Remove(ifIndex) : Snapshot.Filters.SetItem(ifIndex, filters) },
            NetworkChangeKinds.Filters,
            ifIndex);
    }

    private void Change(NetworkSnapshot snapshot, NetworkChangeKinds kind, int ifIndex = 0)
    {
        Snapshot = snapshot;
        _kinds |= kind;
        if (ifIndex != 0)
        {
            _devices.Add(ifIndex);
        }
    }
}
