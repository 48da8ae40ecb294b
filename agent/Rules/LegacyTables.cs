using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

namespace OnCache.Agent.Rules;

/// <summary>From the entries of a legacy table of iptables (linux/netfilter_ipv4/ip_tables.h) to what they mean. Pure.</summary>
internal static class LegacyTables
{
    private const int HeaderLength = 112;
    private const int ExtensionHeader = 32;
    private const int Accepted = -2;

    private static readonly string[] s_hooks = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

    /// <param name="name">The table: filter, nat, mangle, raw, security.</param>
    /// <param name="hooks">Where each built-in chain begins; null for those that the table has not.</param>
    /// <param name="entries">The entries as the kernel gives them.</param>
    /// <param name="known">Rules that the table had the last time, which are not decoded again, by what their entries are; afterwards those that it has. Of one <paramref name="marksAreRead"/>.</param>
    public static HostTable Build(string name, IReadOnlyList<int?> hooks, ReadOnlySpan<byte> entries, bool marksAreRead, ref Dictionary<ulong, HostRule> known)
    {
        var table = $"legacy {name}";
        var chains = new Dictionary<string, ImmutableArray<HostRule>.Builder>(StringComparer.Ordinal);
        var starts = new Dictionary<int, string>();
        for (var hook = 0; hook < s_hooks.Length; hook++)
        {
            if (hooks[hook] is { } start)
            {
                starts[start] = s_hooks[hook];
            }
        }

        // Chains first: jumps name them by where they begin.
        for (var at = 0; TryEntry(entries, at, out var entry, out _, out var target); at += entry.Length)
        {
            if (NameOf(target) == "ERROR")
            {
                starts[at + entry.Length] = Text(target[ExtensionHeader..]);
            }
        }

        var hash = new XxHash64();
        hash.Append(MemoryMarshal.AsBytes(name.AsSpan()));
        var decoded = new Dictionary<ulong, HostRule>();
        var chain = ImmutableArray.CreateBuilder<HostRule>();
        for (var at = 0; TryEntry(entries, at, out var entry, out var matches, out var target); at += entry.Length)
        {
            if (starts.TryGetValue(at, out var begun))
            {
                chains[begun] = chain = ImmutableArray.CreateBuilder<HostRule>();
            }

            if (NameOf(target) == "ERROR")
            {
                continue;
            }

            var fingerprint = Fingerprint(entry, matches, target, at + entry.Length, starts);
            if (!decoded.TryGetValue(fingerprint, out var rule))
            {
                decoded[fingerprint] = rule = known.GetValueOrDefault(fingerprint) ?? Rule(entry, matches, target, at, starts, marksAreRead) with { Fingerprint = fingerprint };
            }

            hash.Append(MemoryMarshal.AsBytes([rule.Fingerprint]));
            chain.Add(rule);
        }

        known = decoded;
        var isNat = string.Equals(name, "nat", StringComparison.Ordinal);
        ConnectionStates? early = string.Equals(name, "raw", StringComparison.Ordinal) ? ConnectionStates.Invalid | ConnectionStates.Untracked : null;
        return new HostTable(
            table,
            [.. HooksOf(hooks, isNat, early)],
            chains.ToImmutableDictionary(static pair => pair.Key, pair => new HostChain($"iptables-legacy table {name}, chain {pair.Key}", pair.Value.ToImmutable()), StringComparer.Ordinal))
        {
            Fingerprint = hash.GetCurrentHashAsUInt64(),
        };
    }

    private static IEnumerable<HostHook> HooksOf(IReadOnlyList<int?> hooks, bool isNat, ConnectionStates? early)
    {
        if (hooks[0] is not null)
        {
            yield return new HostHook(s_hooks[0], [PacketWay.FromPod, PacketWay.ToPod, PacketWay.OuterIn], HookStage.Incoming, isNat, early);
        }

        if (hooks[1] is not null)
        {
            yield return new HostHook(s_hooks[1], [PacketWay.OuterIn], HookStage.Incoming, isNat);
        }

        if (hooks[2] is not null)
        {
            yield return new HostHook(s_hooks[2], [PacketWay.FromPod, PacketWay.ToPod], HookStage.Between, isNat);
        }

        if (hooks[3] is not null)
        {
            yield return new HostHook(s_hooks[3], [PacketWay.OuterOut], HookStage.Outgoing, isNat, early);
        }

        if (hooks[4] is not null)
        {
            yield return new HostHook(s_hooks[4], [PacketWay.FromPod, PacketWay.ToPod, PacketWay.OuterOut], HookStage.Outgoing, isNat);
        }
    }

    private static bool TryEntry(ReadOnlySpan<byte> entries, int at, out ReadOnlySpan<byte> entry, out ReadOnlySpan<byte> matches, out ReadOnlySpan<byte> target)
    {
        entry = matches = target = default;
        if (at < 0 || at + HeaderLength + ExtensionHeader > entries.Length)
        {
            return false;
        }

        var targetAt = MemoryMarshal.Read<ushort>(entries[(at + 88)..]);
        var length = MemoryMarshal.Read<ushort>(entries[(at + 90)..]);
        if (targetAt < HeaderLength || length < targetAt + ExtensionHeader || at + length > entries.Length)
        {
            return false;
        }

        entry = entries.Slice(at, length);
        matches = entry[HeaderLength..targetAt];
        target = entry[targetAt..];
        return true;
    }

    private static HostRule Rule(
        ReadOnlySpan<byte> entry, ReadOnlySpan<byte> matches, ReadOnlySpan<byte> target, int at, Dictionary<int, string> starts, bool marksAreRead)
    {
        const byte Fragments = 1, Goto = 2, NotIn = 1, NotOut = 2, NotFragment = 0x20, NotSource = 8, NotDestination = 0x10, NotProtocol = 0x40;
        var terms = ImmutableArray.CreateBuilder<RuleTerm>();
        var text = new StringBuilder();
        var (flags, inverted) = (entry[82], entry[83]);
        Address(terms, text, "-s", PacketField.Source, entry, entry[8..], (inverted & NotSource) != 0);
        Address(terms, text, "-d", PacketField.Destination, entry[4..], entry[12..], (inverted & NotDestination) != 0);
        Device(terms, text, "-i", incoming: true, entry[16..32], entry[48..64], (inverted & NotIn) != 0);
        Device(terms, text, "-o", incoming: false, entry[32..48], entry[64..80], (inverted & NotOut) != 0);
        var protocol = MemoryMarshal.Read<ushort>(entry[80..]);
        if (protocol != 0)
        {
            var wanted = IntervalSet.Of(protocol, protocol);
            terms.Add(new FieldTerm(PacketField.Protocol, (inverted & NotProtocol) != 0 ? PacketClass.CachedProtocols.Except(wanted) : wanted));
            text.Append(CultureInfo.InvariantCulture, $"{((inverted & NotProtocol) != 0 ? "! " : "")}-p {protocol} ");
        }

        if ((flags & Fragments) != 0)
        {
            // A fragment is never cached; where they are asked for all others, every packet passes.
            terms.Add(new ConstantTerm((inverted & NotFragment) != 0));
        }

        while (matches.Length >= ExtensionHeader && MemoryMarshal.Read<ushort>(matches) is var length && length >= ExtensionHeader && length <= matches.Length)
        {
            var match = XtDecoder.Match(NameOf(matches), matches[31], matches[ExtensionHeader..length]);
            terms.AddRange(match.Terms);
            text.Append(match.Text).Append(' ');
            matches = matches[length..];
        }

        var (verdict, does) = Target(target, at + entry.Length, (flags & Goto) != 0, starts, marksAreRead);
        terms.AddRange(does.Terms);
        text.Append(does.Text);
        return new HostRule(text.ToString().Trim(), terms.ToImmutable(), verdict) { Fingerprint = 0 };
    }

    /// <summary>Of all but the counters, what the kernel notes for itself, and where other chains happen to lie.</summary>
    private static ulong Fingerprint(ReadOnlySpan<byte> entry, ReadOnlySpan<byte> matches, ReadOnlySpan<byte> target, int next, Dictionary<int, string> starts)
    {
        var hash = new XxHash64();
        hash.Append(entry[..84]);
        hash.Append(matches);
        if (target[2] != 0)
        {
            hash.Append(target);
            return hash.GetCurrentHashAsUInt64();
        }

        var code = CodeOf(target);
        hash.Append(MemoryMarshal.AsBytes([Math.Min(code, 0), code == next ? 1 : 0]));
        hash.Append(MemoryMarshal.AsBytes((code >= 0 && code != next && starts.TryGetValue(code, out var chain) ? chain : "").AsSpan()));
        return hash.GetCurrentHashAsUInt64();
    }

    /// <summary>What the standard target says: -verdict - 1, or where the next entry is.</summary>
    private static int CodeOf(ReadOnlySpan<byte> target) => target.Length >= ExtensionHeader + 4 ? MemoryMarshal.Read<int>(target[ExtensionHeader..]) : Accepted;

    /// <param name="goes">A chain it leads to does not come back to this one (IPT_F_GOTO).</param>
    private static (RuleVerdict Verdict, XtExtension Does) Target(ReadOnlySpan<byte> target, int next, bool goes, Dictionary<int, string> starts, bool marksAreRead)
    {
        const int Drop = -1, Return = -5;
        if (NameOf(target) is { Length: > 0 } name)
        {
            var known = XtDecoder.Target(name, target[31], target[ExtensionHeader..], marksAreRead);
            return (known.Verdict ?? RuleVerdict.Continue, known);
        }

        var code = CodeOf(target);
        var jump = code >= 0 && code != next && starts.TryGetValue(code, out var chain) ? chain : null;
        return code switch
        {
            Accepted => (RuleVerdict.Accept, new XtExtension("-j ACCEPT", [])),
            Drop => (RuleVerdict.Drop, new XtExtension("-j DROP", [])),
            Return => (RuleVerdict.Return, new XtExtension("-j RETURN", [])),
            _ when jump is not null => (new RuleVerdict(goes ? VerdictKind.Goto : VerdictKind.Jump, jump), new XtExtension($"{(goes ? "-g" : "-j")} {jump}", [])),
            _ when code == next => (RuleVerdict.Continue, new XtExtension("", [])),
            _ when code < 0 => (RuleVerdict.Drop, new XtExtension("-j QUEUE", [new EffectTerm("queue")])),
            _ => (RuleVerdict.Continue, new XtExtension("-j ?", [new EffectTerm("unknown target")])),
        };
    }

    private static void Address(
        ImmutableArray<RuleTerm>.Builder terms, StringBuilder text, string option, PacketField field, ReadOnlySpan<byte> address, ReadOnlySpan<byte> mask, bool inverted)
    {
        var (bits, network) = (BinaryPrimitives.ReadUInt32BigEndian(mask), BinaryPrimitives.ReadUInt32BigEndian(address));
        if ((bits, network) == (0, 0))
        {
            return;
        }

        text.Append(CultureInfo.InvariantCulture, $"{(inverted ? "! " : "")}{option} {new Net.Ipv4Address(network)}/{System.Numerics.BitOperations.PopCount(bits)} ");
        if ((network & ~bits) != 0)
        {
            // The kernel masks the packet's address alone: no packet has it.
            terms.Add(new ConstantTerm(inverted));
            return;
        }

        if ((~bits & (~bits + 1)) != 0)
        {
            terms.Add(new OpaqueTerm("address mask"));
            return;
        }

        var prefix = IntervalSet.Of(network, network | ~bits);
        terms.Add(new FieldTerm(field, inverted ? IntervalSet.AllAddresses.Except(prefix) : prefix));
    }

    private static void Device(
        ImmutableArray<RuleTerm>.Builder terms, StringBuilder text, string option, bool incoming, ReadOnlySpan<byte> name, ReadOnlySpan<byte> mask, bool inverted)
    {
        if (mask[0] == 0)
        {
            return;
        }

        // The mask covers the closing zero of a whole name; of a prefix it covers what must be the same, and not the plus sign behind it.
        var covered = mask.IndexOf((byte)0);
        var device = Text(covered < 0 ? name : name[..covered]);
        var pattern = new DevicePattern(device, IsPrefix: covered >= 0 && covered == device.Length, inverted);
        terms.Add(new DeviceTerm(incoming, pattern));
        text.Append(CultureInfo.InvariantCulture, $"{(inverted ? "! " : "")}{option} {device}{(pattern.IsPrefix ? "+" : "")} ");
    }

    private static string NameOf(ReadOnlySpan<byte> extension) => Text(extension[2..31]);

    private static string Text(ReadOnlySpan<byte> octets)
    {
        var end = octets.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? octets : octets[..end]);
    }
}
