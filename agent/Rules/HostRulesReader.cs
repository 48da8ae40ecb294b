using System.Collections.Immutable;
using System.IO.Hashing;
using System.Numerics;
using System.Runtime.InteropServices;

using OnCache.Agent.Net;
using OnCache.Agent.Net.Netfilter;

namespace OnCache.Agent.Rules;

/// <summary>Reads the rules of one network namespace: that of the thread that made this object. Not for two threads at once.</summary>
internal sealed class HostRulesReader : IDisposable
{
    // Elements of a named set that are read: more are not worth their reading.
    private const int FewElements = 64;

    // Of sets whose elements are rules: verdict maps, and those that a rule has for itself.
    private const int MostElements = NftTables.MostRules;

    // Rules that a table had the last time are not read again.
    private readonly Dictionary<string, Dictionary<ulong, DecodedRule>> _decoded = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (ulong Hash, HostTable Table, Dictionary<ulong, HostRule> Decoded)> _legacy = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<ulong, FoundBy?>> _ipSets = new(StringComparer.Ordinal);
    private readonly Dictionary<(byte Family, string Name), NftTable> _tables = [];
    // By table, the names that devices had which rules name by their numbers.
    private readonly Dictionary<(byte Family, string Name), Dictionary<uint, string>> _devices = [];
    private readonly Dictionary<(byte Family, string Table, string Name), NftChain> _chains = [];
    private readonly Dictionary<(byte Family, string Table, ulong Handle), string> _chainNames = [];
    private readonly Dictionary<(byte Family, string Table, string Name), NftSet> _sets = [];
    private readonly NftRequests? _nft;
    // Elements are asked for while rules are still coming in.
    private readonly NftRequests? _nftElements;
    private readonly LegacyXtables _xtables = LegacyXtables.Open();
    private readonly Func<uint, string> _deviceName;

    private HostRulesReader(NftRequests? nft, NftRequests? nftElements, Func<uint, string> deviceName) =>
        (_nft, _nftElements, _deviceName) = (nft, nftElements, deviceName);

    /// <summary>What a rule means, as long as its sets are the same.</summary>
    /// <param name="Sets">Those of the rule's own, by which it is known again: others may get their names.</param>
    private readonly record struct DecodedRule(HostRule Rule, ImmutableArray<NftSet> Sets);

    /// <summary>Marks that rules set may be read by a qdisc or filter, and so count as what a verdict does not carry.</summary>
    public bool MarksAreRead { get; set; }

    /// <param name="deviceName">The name of a device by its number.</param>
    /// <exception cref="NetlinkException">The kernel refused a socket.</exception>
    public static HostRulesReader Open(Func<uint, string> deviceName) => new(NftRequests.TryOpen(), NftRequests.TryOpen(), deviceName);

    /// <summary>The tables of nf_tables that IPv4 packets meet, as keys of <see cref="Read"/>.</summary>
    public IReadOnlyCollection<(byte Family, string Name)> Tables => _tables.Keys;

    /// <summary>Reads anew what tables, chains and sets there are.</summary>
    public void ReadNames()
    {
        var (tables, sets) = (_nft?.Tables() ?? [], _nft?.Sets() ?? []);
        ReadChains();
        _tables.Clear();
        _sets.Clear();
        // Tables may be others of the same names, and with them the sets of the same handles.
        _decoded.Clear();
        _devices.Clear();
        tables.ForEach(Add);
        sets.ForEach(Add);
    }

    /// <summary>Events have named devices of a chain that came or went, and not which it has now.</summary>
    public bool HasUncertainChains { get; private set; }

    /// <summary>Reads anew what chains there are.</summary>
    /// <exception cref="NetlinkException">They kept changing (EAGAIN), or the kernel refused.</exception>
    public void ReadChains()
    {
        var chains = _nft?.Chains() ?? [];
        _chains.Clear();
        _chainNames.Clear();
        foreach (var chain in chains)
        {
            _ = Add(chain);
        }

        HasUncertainChains = false;
    }

    public void Add(NftTable table)
    {
        if (NftTables.Concerns(table.Family))
        {
            _tables[(table.Family, table.Name)] = table;
        }
    }

    public void Remove(NftTable table)
    {
        _ = _tables.Remove((table.Family, table.Name));
        _ = _devices.Remove((table.Family, table.Name));
        _ = _decoded.Remove(NftTables.NameOf(table.Family, table.Name));
    }

    /// <summary>Whether packets may meet it otherwise than before: at another hook, under another name.</summary>
    public bool Add(NftChain chain)
    {
        if (!NftTables.Concerns(chain.Family))
        {
            return false;
        }

        var key = (chain.Family, chain.Table, chain.Name);
        var isRenamed = _chainNames.TryGetValue((chain.Family, chain.Table, chain.Handle), out var name)
            && !string.Equals(name, chain.Name, StringComparison.Ordinal) && _chains.Remove((chain.Family, chain.Table, name));
        _chainNames[(chain.Family, chain.Table, chain.Handle)] = chain.Name;
        var before = _chains.GetValueOrDefault(key);
        if (isRenamed)
        {
            // Sets that lead to it are the same, and name it otherwise.
            _ = _decoded.Remove(NftTables.NameOf(chain.Family, chain.Table));
        }

        HasUncertainChains |= chain.IsOfDevices || before is { IsOfDevices: true };
        // An event that concerns its counters alone leaves the hook out; one of devices names those that came.
        _chains[key] = before?.Hook is not { } old ? chain
            : chain.Hook is { } hook ? chain with { Hook = hook with { Devices = [.. hook.Devices.Union(old.Devices)] } }
            : before;
        return isRenamed || (chain.Hook is not null && (chain.IsOfDevices || chain.Hook != before?.Hook));
    }

    /// <summary>Whether the chain hung at a hook.</summary>
    public bool Remove(NftChain chain)
    {
        if (!_chains.TryGetValue((chain.Family, chain.Table, chain.Name), out var before))
        {
            return false;
        }

        if (before.IsOfDevices)
        {
            // It may have lost no more than a device.
            HasUncertainChains = true;
            return true;
        }

        _ = _chains.Remove((chain.Family, chain.Table, chain.Name));
        _ = _chainNames.Remove((chain.Family, chain.Table, before.Handle));
        return before.Hook is not null;
    }

    public void Add(NftSet set)
    {
        if (NftTables.Concerns(set.Family))
        {
            _sets[(set.Family, set.Table, set.Name)] = set;
        }
    }

    public void Remove(NftSet set)
    {
        // Another one may have got its name by then.
        if (_sets.TryGetValue((set.Family, set.Table, set.Name), out var present) && present.Handle == set.Handle)
        {
            _ = _sets.Remove((set.Family, set.Table, set.Name));
        }
    }

    public NftSet? Set(byte family, string table, string name) => _sets.GetValueOrDefault((family, table, name));

    /// <summary>A table that cannot be read, by where it meets packets; null when it is gone.</summary>
    public HostTable? Unread((byte Family, string Name) key, string problem) =>
        _tables.TryGetValue(key, out var table) ? NftTables.Unread(table, _chains.Values, problem) : null;

    /// <summary>The table as it is now; null when it is gone.</summary>
    /// <param name="steady">
    /// Whether nothing in nf_tables changed meanwhile. Else the table is as it should be if no event of it follows: what changes in others
    /// does not disturb the list of this one's rules.
    /// </param>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public HostTable? Read((byte Family, string Name) key, out bool steady)
    {
        steady = true;
        if (_nft is null || _nftElements is null || !_tables.TryGetValue(key, out var table))
        {
            return null;
        }

        _nft.IsSteady = _nftElements.IsSteady = true;

        var name = NftTables.NameOf(key.Family, key.Name);
        var known = _decoded.GetValueOrDefault(name) ?? [];
        var decoded = new Dictionary<ulong, DecodedRule>();
        var sets = _sets.Values.Where(set => set.Family == key.Family && string.Equals(set.Table, key.Name, StringComparison.Ordinal))
            .ToDictionary(static set => set.Name, StringComparer.Ordinal);
        var elements = new Dictionary<string, NftContents?>(StringComparer.Ordinal);
        var devices = _devices[key] = [];
        var rules = new List<(string Chain, HostRule Rule)>();
        _nft.Rules(table, rule =>
        {
            rules.Add((rule.Chain, Meaning(rule)));
            return rules.Count <= NftTables.MostRules;
        });
        steady = _nft.IsSteady && _nftElements.IsSteady;
        if (rules.Count > NftTables.MostRules)
        {
            _ = _decoded.Remove(name);
            return NftTables.Unread(table, _chains.Values, $"more than {NftTables.MostRules} rules");
        }

        _decoded[name] = decoded;
        var built = NftTables.Build(table, _chains.Values, rules);
        return built with { Fingerprint = built.Fingerprint ^ OfSets() ^ (MarksAreRead ? 1UL : 0) };

        // Of those that rules have for themselves, the rules' fingerprints tell.
        ulong OfSets() => elements.Where(pair => !sets[pair.Key].IsConstant).Aggregate(0UL, (sum, pair) => sum + Fingerprint(sets[pair.Key], pair.Value));

        HostRule Meaning(NftRule rule)
        {
            var fingerprint = NftDecoder.Fingerprint(rule.Expressions);
            if ((decoded.TryGetValue(fingerprint, out var before) || known.TryGetValue(fingerprint, out before))
                && before.Sets.All(set => sets.TryGetValue(set.Name, out var present) && present.Handle == set.Handle))
            {
                decoded[fingerprint] = before;
                return before.Rule;
            }

            var decoder = new NftDecoder(sets, Elements, number => devices[number] = _deviceName(number), MarksAreRead);
            var meaning = decoder.Decode(rule);
            foreach (var set in decoder.ConstantSets)
            {
                meaning = meaning with { Fingerprint = meaning.Fingerprint ^ BitOperations.RotateLeft(Fingerprint(set, elements[set.Name]), 1) };
            }

            if (!decoder.DependsOnMore)
            {
                decoded[fingerprint] = new DecodedRule(meaning, [.. decoder.ConstantSets]);
                return meaning;
            }

            // What it depends on shows in its text: the names of devices that it has by their numbers.
            return meaning with { Fingerprint = meaning.Fingerprint ^ XxHash64.HashToUInt64(MemoryMarshal.AsBytes(meaning.Text.AsSpan())) };
        }

        NftContents? Elements(NftSet set)
        {
            if (!elements.TryGetValue(set.Name, out var found))
            {
                // A named set may have a million of them; then its name says all there is to say, but for what elements have of their own.
                var isNameEnough = set.IsVolatile || (set.Flags & (NftProtocol.NFT_SET_MAP | NftProtocol.NFT_SET_CONCAT)) != 0;
                found = set.IsAnonymous || set.IsVerdictMap ? _nftElements.Elements(set, MostElements)
                    : _nftElements.Elements(set, FewElements) is { } few ? few with { IsWhole = few.IsWhole && !isNameEnough }
                    : null;
                elements[set.Name] = found;
            }

            return found;
        }
    }

    /// <summary>
    /// Devices came, went or got other names: gives the tables whose rules name such by their numbers, and doubts the lists of devices of chains,
    /// which names are all that is known of.
    /// </summary>
    public IReadOnlyList<(byte Family, string Name)> TablesOfOtherDevices()
    {
        HasUncertainChains |= _chains.Values.Any(static chain => chain.IsOfDevices);
        return [.. _devices.Where(pair => pair.Value.Any(device => !string.Equals(_deviceName(device.Key), device.Value, StringComparison.Ordinal))).Select(static pair => pair.Key)];
    }

    /// <summary>Forgets what rules meant: something else changed that they depend on.</summary>
    public void Forget()
    {
        _decoded.Clear();
        _legacy.Clear();
    }

    /// <summary>The legacy tables as they are now, and the names of those that are others than at the last look.</summary>
    /// <param name="isKept">By its name, a table that is taken to be as it was.</param>
    public (IReadOnlyList<HostTable> Tables, IReadOnlyCollection<string> Changed) ReadLegacy(Func<string, bool>? isKept = null)
    {
        var names = _xtables.Names();
        var changed = new List<string>();
        foreach (var gone in _legacy.Keys.Except(names, StringComparer.Ordinal).ToList())
        {
            _ = _legacy.Remove(gone);
            changed.Add(gone);
        }

        foreach (var name in names)
        {
            if (isKept?.Invoke(name) == true && _legacy.ContainsKey(name))
            {
                continue;
            }

            if (_xtables.Read(name, out var hooks, out var entries) is { } problem)
            {
                Dictionary<ulong, HostRule> none = [];
                var unread = LegacyTables.Build(name, [0, 0, 0, 0, 0], [], MarksAreRead, ref none) with { Unreadable = problem };
                if (_legacy.GetValueOrDefault(name).Table?.Unreadable != problem)
                {
                    changed.Add(name);
                }

                _legacy[name] = (0, unread, none);
                continue;
            }

            var hash = Hash(hooks, entries);
            if (!_legacy.TryGetValue(name, out var before) || before.Hash != hash)
            {
                var decoded = before.Decoded ?? [];
                _legacy[name] = (hash, LegacyTables.Build(name, hooks, entries, MarksAreRead, ref decoded), decoded);
                changed.Add(name);
            }
        }

        return ([.. _legacy.Values.Select(static one => one.Table)], changed);
    }

    /// <summary>What changed in ipsets since the last look. At the first look at a set that is not known: it may have changed since its rule was read.</summary>
    /// <param name="wanted">By the names that terms have for them.</param>
    public IReadOnlyList<SetChange> ReadIpSets(ImmutableHashSet<string> wanted)
    {
        var changes = new List<SetChange>();
        if (wanted.IsEmpty)
        {
            _ipSets.Clear();
            return changes;
        }

        using var socket = NetlinkSocket.Open(NetlinkProtocol.NETLINK_NETFILTER);
        Span<byte> request = stackalloc byte[128];
        var headers = socket.Dump(IpSetMessage.HeadersRequest(request), "list ipsets", IpSetMessage.ParseHeader);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var header in headers)
        {
            if (header.Index is not { } index || !wanted.Contains(XtDecoder.NameOfIpSet(index)) || !seen.Add(XtDecoder.NameOfIpSet(index)))
            {
                continue;
            }

            var name = XtDecoder.NameOfIpSet(index);
            var now = new Dictionary<ulong, FoundBy?>();
            try
            {
                foreach (var element in Elements(socket, header))
                {
                    now[element.Fingerprint] = FoundBy.Of(element);
                    // Of a set of sets, what its members hold; a member is never such a set itself.
                    if (element.Member is not null && headers.Find(one => string.Equals(one.Name, element.Member, StringComparison.Ordinal)) is { } member)
                    {
                        foreach (var inner in Elements(socket, member))
                        {
                            now[BitOperations.RotateLeft(element.Fingerprint, 1) ^ inner.Fingerprint] = FoundBy.Of(inner);
                        }
                    }
                }
            }
            catch (NetlinkException gone) when (gone.Errno is NetlinkNative.ENOENT or NetlinkNative.EAGAIN)
            {
                // Destroyed meanwhile, or not to be read: what it holds by now is not known.
                _ = _ipSets.Remove(name);
                changes.Add(new SetChange(null, name, [], [], IsUnknown: true));
                continue;
            }

            if (_ipSets.TryGetValue(name, out var before))
            {
                var differing = before.Where(one => !now.ContainsKey(one.Key)).Concat(now.Where(one => !before.ContainsKey(one.Key))).Select(static one => one.Value).ToList();
                if (differing.Count > 0)
                {
                    changes.Add(new SetChange(null, name, [], [.. differing.OfType<FoundBy>()], IsUnknown: differing.Contains(null)));
                }
            }

            else
            {
                changes.Add(new SetChange(null, name, [], [], IsUnknown: true));
            }

            _ipSets[name] = now;
        }

        return changes;
    }

    private static IEnumerable<IpSetElement> Elements(NetlinkSocket socket, IpSetHeader set)
    {
        Span<byte> request = stackalloc byte[128];
        try
        {
            return socket.Dump(
                IpSetMessage.ElementsRequest(request, set.Name), $"list ipset {set.Name}", (in NetlinkMessage message) => IpSetMessage.ParseElements(message, set.Mask))
                .SelectMany(static list => list);
        }
        catch (NetlinkException gone) when (gone.Errno == NetlinkNative.ENOENT)
        {
            return [];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _nft?.Dispose();
        _nftElements?.Dispose();
        _xtables.Dispose();
    }

    /// <summary>Of what a set is and holds.</summary>
    private static ulong Fingerprint(NftSet set, NftContents? found)
    {
        var sum = XxHash64.HashToUInt64(
            [.. MemoryMarshal.AsBytes(set.Name.AsSpan()), (byte)(found is { IsWhole: true } ? 0 : 1), .. MemoryMarshal.AsBytes([set.Flags, (uint)set.KeyLength, set.DataType])]);
        foreach (var element in found is { IsWhole: true } ? found.Elements : [])
        {
            // In any order: the kernel lists them in that of its table.
            sum += XxHash64.HashToUInt64(
                [.. MemoryMarshal.AsBytes(set.Name.AsSpan()), .. element.Key, .. element.KeyEnd ?? [], (byte)(element.IsEnd ? 1 : 0), .. MemoryMarshal.AsBytes($"{element.Verdict} {string.Join(' ', element.Stateful)}".AsSpan())]);
        }

        return sum;
    }

    /// <summary>Of all but the counters.</summary>
    private static ulong Hash(IReadOnlyList<int?> hooks, ReadOnlySpan<byte> entries)
    {
        const int CountersAt = 96, CountersEnd = 112, LengthAt = 90;
        var hash = new XxHash64();
        foreach (var hook in hooks)
        {
            hash.Append(MemoryMarshal.AsBytes([hook ?? -1]));
        }

        while (entries.Length >= CountersEnd && MemoryMarshal.Read<ushort>(entries[LengthAt..]) is var length && length >= CountersEnd && length <= entries.Length)
        {
            hash.Append(entries[..CountersAt]);
            hash.Append(entries[CountersEnd..length]);
            entries = entries[length..];
        }

        return hash.GetCurrentHashAsUInt64();
    }
}
