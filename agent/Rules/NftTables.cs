using System.Collections.Immutable;
using System.IO.Hashing;
using System.Runtime.InteropServices;

using OnCache.Agent.Net.Netfilter;

using static OnCache.Agent.Net.Netfilter.NftProtocol;

namespace OnCache.Agent.Rules;

/// <summary>From the tables of nf_tables to those of which the walk knows. Pure.</summary>
internal static class NftTables
{
    /// <summary>Rules of one table that are read; more, and what may meet the table stays on the CNI's path.</summary>
    public const int MostRules = 100_000;

    // Connection tracking has its place at -200 (NF_IP_PRI_CONNTRACK): what comes before knows no state.
    private const int PriorityOfConntrack = -200;

    // A chain's policy is walked as its last rule: what changes it is then found like any other change.
    private static readonly HostRule s_dropPolicy = new("policy drop", [], RuleVerdict.Drop) { Fingerprint = XxHash64.HashToUInt64("policy drop"u8) };

    /// <summary>Whether packets of IPv4 meet tables of the family at all.</summary>
    public static bool Concerns(byte family) => family is NFPROTO_IPV4 or NFPROTO_INET or NFPROTO_BRIDGE or NFPROTO_NETDEV;

    public static string NameOf(byte family, string table) => $"{FamilyName(family)} {table}";

    /// <summary>A table whose rules are not known, by where it meets packets.</summary>
    public static HostTable Unread(NftTable table, IEnumerable<NftChain> chains, string problem) =>
        new(NameOf(table.Family, table.Name), HooksOf(table, ChainsOf(table, chains)), ImmutableDictionary<string, HostChain>.Empty) { Unreadable = problem };

    /// <summary>All that nf_tables might do where not even its tables are known.</summary>
    public static HostTable Unknown(string problem)
    {
        var everywhere = new HostHook("", [PacketWay.FromPod, PacketWay.ToPod, PacketWay.OuterIn, PacketWay.OuterOut], HookStage.Between);
        return new HostTable("nf_tables", [everywhere], ImmutableDictionary<string, HostChain>.Empty) { Unreadable = problem };
    }

    /// <param name="rules">Those of the table, in order.</param>
    public static HostTable Build(NftTable table, IEnumerable<NftChain> chains, IEnumerable<(string Chain, HostRule Rule)> rules)
    {
        var name = NameOf(table.Family, table.Name);
        var own = ChainsOf(table, chains);
        var hash = new XxHash64();
        foreach (var hook in own.Where(static chain => chain.Hook is not null))
        {
            hash.Append(MemoryMarshal.AsBytes(hook.Name.AsSpan()));
            hash.Append(MemoryMarshal.AsBytes(
                [hook.Hook!.Number, hook.Hook.Priority, hook.Hook.Type.Length, hook.Hook.Drops ? 1 : 0, hook.Hook.Devices.Length, table.IsDormant ? 1 : 0]));
            foreach (var device in hook.Hook.Devices)
            {
                hash.Append(MemoryMarshal.AsBytes(device.Name.AsSpan()));
                hash.Append([(byte)(device.IsPrefix ? 1 : 0)]);
            }
        }

        var contents = own.ToDictionary(static chain => chain.Name, static _ => ImmutableArray.CreateBuilder<HostRule>(), StringComparer.Ordinal);
        string? chainBefore = null;
        foreach (var (chain, rule) in rules)
        {
            if (!contents.TryGetValue(chain, out var content))
            {
                contents[chain] = content = ImmutableArray.CreateBuilder<HostRule>();
            }

            content.Add(rule);
            if (!string.Equals(chainBefore, chain, StringComparison.Ordinal))
            {
                hash.Append(MemoryMarshal.AsBytes(chain.AsSpan()));
                chainBefore = chain;
            }

            hash.Append(MemoryMarshal.AsBytes([rule.Fingerprint]));
        }

        foreach (var chain in own.Where(static chain => chain.Hook is { Drops: true }))
        {
            contents[chain.Name].Add(s_dropPolicy);
        }

        return new HostTable(name, HooksOf(table, own), contents.ToImmutableDictionary(
            static pair => pair.Key, pair => new HostChain($"table {name}, chain {pair.Key}", pair.Value.ToImmutable()), StringComparer.Ordinal))
        {
            Fingerprint = hash.GetCurrentHashAsUInt64(),
        };
    }

    private static List<NftChain> ChainsOf(NftTable table, IEnumerable<NftChain> chains) =>
        [.. chains.Where(chain => chain.Family == table.Family && string.Equals(chain.Table, table.Name, StringComparison.Ordinal))];

    private static ImmutableArray<HostHook> HooksOf(NftTable table, List<NftChain> chains) =>
        table.IsDormant ? [] : [.. chains.Where(static chain => chain.Hook is not null).SelectMany(Hooks)];

    private static IEnumerable<HostHook> Hooks(NftChain chain)
    {
        var hook = chain.Hook!;
        var isNat = string.Equals(hook.Type, "nat", StringComparison.Ordinal);
        ConnectionStates? early = hook.Priority <= PriorityOfConntrack ? ConnectionStates.Invalid | ConnectionStates.Untracked : null;
        switch (chain.Family, hook.Number)
        {
            case (NFPROTO_IPV4 or NFPROTO_INET, NF_INET_PRE_ROUTING):
                yield return new HostHook(chain.Name, [PacketWay.FromPod, PacketWay.ToPod, PacketWay.OuterIn], HookStage.Incoming, isNat, early);
                break;
            case (NFPROTO_IPV4 or NFPROTO_INET, NF_INET_FORWARD):
                yield return new HostHook(chain.Name, [PacketWay.FromPod, PacketWay.ToPod], HookStage.Between, isNat);
                break;
            case (NFPROTO_IPV4 or NFPROTO_INET, NF_INET_POST_ROUTING):
                yield return new HostHook(chain.Name, [PacketWay.FromPod, PacketWay.ToPod, PacketWay.OuterOut], HookStage.Outgoing, isNat);
                break;
            case (NFPROTO_IPV4 or NFPROTO_INET, NF_INET_LOCAL_IN):
                yield return new HostHook(chain.Name, [PacketWay.OuterIn], HookStage.Incoming, isNat);
                break;
            case (NFPROTO_IPV4 or NFPROTO_INET, NF_INET_LOCAL_OUT):
                yield return new HostHook(chain.Name, [PacketWay.OuterOut], HookStage.Outgoing, isNat, early);
                break;
            // A bridge has no connections of its own, unless somebody loaded their tracking.
            case (NFPROTO_BRIDGE, NF_INET_PRE_ROUTING or NF_INET_LOCAL_IN):
                yield return new HostHook(chain.Name, [PacketWay.FromPod], HookStage.Incoming, isNat, ConnectionStates.All);
                break;
            case (NFPROTO_BRIDGE, NF_INET_LOCAL_OUT or NF_INET_POST_ROUTING):
                yield return new HostHook(chain.Name, [PacketWay.ToPod], HookStage.Outgoing, isNat, ConnectionStates.All);
                break;
            case (NFPROTO_NETDEV, NF_NETDEV_INGRESS or NF_NETDEV_EGRESS):
            case (NFPROTO_INET, NF_INET_INGRESS):
                var receives = chain.Family == NFPROTO_INET || hook.Number == NF_NETDEV_INGRESS;
                foreach (var device in hook.Devices)
                {
                    yield return new HostHook(
                        chain.Name,
                        [],
                        receives ? HookStage.Incoming : HookStage.Outgoing,
                        States: ConnectionStates.All,
                        Device: new DevicePattern(device.Name, device.IsPrefix, IsNegated: false),
                        DeviceReceives: receives);
                }

                break;
        }
    }

    private static string FamilyName(byte family) => family switch
    {
        NFPROTO_INET => "inet",
        NFPROTO_IPV4 => "ip",
        NFPROTO_ARP => "arp",
        NFPROTO_NETDEV => "netdev",
        NFPROTO_BRIDGE => "bridge",
        NFPROTO_IPV6 => "ip6",
        _ => $"family {family}",
    };
}
