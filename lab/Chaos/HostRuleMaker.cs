using System.Net;

namespace OnCache.Lab.Chaos;

/// <summary>Rules of a node, each by one of the mechanisms that a node has.</summary>
internal static class HostRuleMaker
{
    /// <summary>How soon an agent looks at what the kernel announces to nobody.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    /// <summary>A rule that drops packets from one address to another.</summary>
    public static HostRuleEvent Drop(Random random, string name, IPAddress from, IPAddress to) => random.Next(5) switch
    {
        0 => new("iptables", [$"iptables -I FORWARD -s {from} -d {to} -j DROP"], [$"iptables -D FORWARD -s {from} -d {to} -j DROP"], TimeSpan.Zero),
        1 => new("iptables-legacy", [$"iptables-legacy -I FORWARD -s {from} -d {to} -j DROP"], [$"iptables-legacy -D FORWARD -s {from} -d {to} -j DROP"], Look),
        2 => new(
            "nft",
            [$"nft add table ip {name}", $"nft add chain ip {name} c {{ type filter hook forward priority -10 ; }}", $"nft add rule ip {name} c ip saddr {from} ip daddr {to} drop"],
            [$"nft delete table ip {name}"],
            TimeSpan.Zero),
        3 => new(
            "nft set",
            [
                $"nft add table ip {name}",
                $"nft add set ip {name} s {{ type ipv4_addr . ipv4_addr ; }}",
                $"nft add chain ip {name} c {{ type filter hook prerouting priority -150 ; }}",
                $"nft add rule ip {name} c ip saddr . ip daddr @s drop",
                $"nft add element ip {name} s {{ {from} . {to} }}",
            ],
            [$"nft delete table ip {name}"],
            TimeSpan.Zero),
        _ => new(
            "nft rate",
            // So few that it drops nearly all: a limit instead of a verdict.
            [
                $"nft add table ip {name}",
                $"nft add chain ip {name} c {{ type filter hook postrouting priority 10 ; }}",
                $"nft add rule ip {name} c ip saddr {from} ip daddr {to} limit rate over 1/day burst 1 packets drop",
            ],
            [$"nft delete table ip {name}"],
            TimeSpan.Zero),
    };

    /// <summary>A rule that changes nothing about what arrives, and has to see every packet.</summary>
    public static HostRuleEvent Watch(Random random, string name, IPAddress from) => random.Next(3) switch
    {
        0 => new("iptables limit", [$"iptables -I FORWARD -s {from} -m limit --limit 10000/sec -j RETURN"], [$"iptables -D FORWARD -s {from} -m limit --limit 10000/sec -j RETURN"], TimeSpan.Zero),
        1 => new(
            "nft quota",
            [$"nft add table ip {name}", $"nft add chain ip {name} c {{ type filter hook forward priority -10 ; }}", $"nft add rule ip {name} c ip saddr {from} quota over 1000000 mbytes drop"],
            [$"nft delete table ip {name}"],
            TimeSpan.Zero),
        _ => new("DSCP", [$"iptables -t mangle -I FORWARD -s {from} -j DSCP --set-dscp 10"], [$"iptables -t mangle -D FORWARD -s {from} -j DSCP --set-dscp 10"], TimeSpan.Zero),
    };
}

/// <summary>A rule to be added and taken away again.</summary>
/// <param name="Bound">Within what time an agent hears of it.</param>
internal sealed record HostRuleEvent(string Kind, IReadOnlyList<string> Add, IReadOnlyList<string> Remove, TimeSpan Bound);
