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

    /// <summary>Whether packets of IPv4 meet tables of the family at all.</summary>
    public static bool Concerns(byte family) => family is NFPROTO_IPV4 or NFPROTO_INET or NFPROTO_BRIDGE or NFPROTO_NETDEV;

    public static string NameOf(byte family, string table) => $"{FamilyName(family)} {table}";

    /// <param name="rules">Those of the table, in order.</param>
    /// <param name="decode">What a rule means.</param>
    public static HostTable Build(
        NftTable table, IEnumerable<NftChain> chains, IReadOnlyCollection<NftRule> rules, Func<NftRule, HostRule> decode)
    {
        var name = NameOf(table.Family, table.Name);
        var own = chains.Where(chain => chain.Family == table.Family && string.Equals(chain.Table, table.Name, StringComparison.Ordinal)).ToList();
        ImmutableArray<HostHook> hooks = table.IsDormant ? [] : [.. own.Where(static chain => chain.Hook is not null).SelectMany(Hooks)];
        if (rules.Count > MostRules)
        {
            return new HostTable(name, hooks, ImmutableDictionary<string, HostChain>.Empty) { Unreadable = $"more than {MostRules} rules" };
        }

        var hash = new XxHash64();
        foreach (var hook in own.Where(static chain => chain.Hook is not null))
        {
            hash.Append(MemoryMarshal.AsBytes(hook.Name.AsSpan()));
            hash.Append(MemoryMarshal.AsBytes([hook.Hook!.Number, hook.Hook.Priority, hook.Hook.Type.Length, hook.Hook.Devices.Length, table.IsDormant ? 1 : 0]));
            foreach (var device in hook.Hook.Devices)
            {
                hash.Append(MemoryMarshal.AsBytes(device.AsSpan()));
            }
        }

        var contents = own.ToDictionary(static chain => chain.Name, static _ => ImmutableArray.CreateBuilder<HostRule>(), StringComparer.Ordinal);
        string? chainBefore = null;
        foreach (var rule in rules)
        {
            if (!contents.TryGetValue(rule.Chain, out var content))
            {
                contents[rule.Chain] = content = ImmutableArray.CreateBuilder<HostRule>();
            }

            var decoded = decode(rule);
            content.Add(decoded);
            if (!string.Equals(chainBefore, rule.Chain, StringComparison.Ordinal))
            {
                hash.Append(MemoryMarshal.AsBytes(rule.Chain.AsSpan()));
                chainBefore = rule.Chain;
            }

            hash.Append(MemoryMarshal.AsBytes([decoded.Fingerprint]));
        }

        return new HostTable(name, hooks, contents.ToImmutableDictionary(
            static pair => pair.Key, pair => new HostChain($"table {name}, chain {pair.Key}", pair.Value.ToImmutable()), StringComparer.Ordinal))
        {
            Fingerprint = hash.GetCurrentHashAsUInt64(),
        };
    }

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
                foreach (var device in hook.Devices)
                {
                    yield return new HostHook(
                        chain.Name, [], HookStage.Incoming, States: ConnectionStates.All, Device: device, DeviceReceives: hook.Number is NF_NETDEV_INGRESS or NF_INET_INGRESS);
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
