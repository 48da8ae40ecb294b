using System.Net;
using OnCache.Lab.Overlay;
using OnCache.Lab.Rules;

namespace OnCache.Lab.Bench.HostRules;

/// <summary>What a service proxy writes into a node's netfilter, over and over, when Services come and go. None of it can concern flows between pods.</summary>
/// <param name="Name">As in the results.</param>
/// <param name="Meaning">One line for whoever reads them.</param>
/// <param name="Period">From the beginning of one write to that of the next.</param>
/// <param name="Changes">What a write changes: whole sets of rules, or elements.</param>
/// <param name="Setup">What is written first, for a thousand Services.</param>
/// <param name="Next">The write of each turn, from 0; none where nothing changes.</param>
internal sealed record Replay(string Name, string Meaning, TimeSpan Period, int Changes, IReadOnlyList<RuleWrite> Setup, Func<int, RuleWrite>? Next)
{
    public const string Idle = "idle";
    private const int Services = 1000;

    /// <summary>Elements of nftables' maps and sets that come or go in a second, two for each Service that a write concerns.</summary>
    private const int ElementsOfSecond = 1000;

    // A Service's own two, its port on the node, and of its two endpoints the local one.
    private const int Entries = 4;

    public static IReadOnlyList<string> Names { get; } = [Idle, "iptables-nft", "iptables-legacy", "nftables", "nftables-bulk", "ipvs"];

    /// <summary>Those of a node, in the order of <see cref="Names"/>.</summary>
    public static IReadOnlyList<Replay> Of(LabNode node, IReadOnlyList<IPAddress> pods)
    {
        var services = LabService.Deal(pods, Services + 1);
        return
        [
            new(Idle, "nothing changes", Timeout.InfiniteTimeSpan, 0, [], null),
            Iptables("iptables-nft", services, ""),
            Iptables("iptables-legacy", services, KubeProxyRules.RenderJumps()),
            Nftables("nftables", "ten times a second", TimeSpan.FromMilliseconds(100), ElementsOfSecond / 10, [.. services.Take(Services)]),
            Nftables("nftables-bulk", "once a second", TimeSpan.FromSeconds(1), ElementsOfSecond, [.. services.Take(Services)]),
            Ipvs([.. services.Take(Services)], node.PodCidr),
        ];
    }

    private static Replay Iptables(string variant, IReadOnlyList<LabService> services, string jumps)
    {
        return new(
            variant,
            $"kube-proxy's chains for {Services} Services, restored once a second; each time another Service is missing",
            TimeSpan.FromSeconds(1),
            1,
            [Restore(services, null, jumps)],
            turn => Restore(services.Where((_, index) => index != turn % services.Count), services[turn % services.Count], ""));

        RuleWrite Restore(IEnumerable<LabService> present, LabService? gone, string more) =>
            new($"{variant}-restore", ["-w", "--noflush", "--counters"], KubeProxyRules.RenderServices(present, gone) + more);
    }

    private static Replay Nftables(string name, string often, TimeSpan period, int elements, IReadOnlyList<LabService> services)
    {
        return new(
            name,
            $"kube-proxy's nftables layout with {Services} Services; {often} {elements} elements of its maps and sets come and go",
            period,
            elements,
            [Nft(NftablesProxyRules.Render(services))],
            turn =>
            {
                var groups = services.Chunk(elements / 2).ToArray();
                var concerned = groups[turn / 2 % groups.Length];
                // Each fifth Service comes or goes; the others lose their endpoints or have some again.
                var (coming, other) = (concerned.Take(concerned.Length / 5), concerned.Skip(concerned.Length / 5));
                return Nft(turn % 2 == 0
                    ? NftablesProxyRules.RenderGoing(coming) + NftablesProxyRules.RenderDeserted(other)
                    : NftablesProxyRules.RenderComing(coming) + NftablesProxyRules.RenderServed(other));
            });

        static RuleWrite Nft(string text) => new("nft", ["-f", "-"], text);
    }

    private static Replay Ipvs(IReadOnlyList<LabService> services, IPNetwork local)
    {
        return new(
            "ipvs",
            $"the ipsets and rules of kube-proxy's IPVS mode for {Services} Services; five times a second the {Entries} entries of one come or go",
            TimeSpan.FromMilliseconds(200),
            Entries,
            [IpSet(IpvsProxyRules.RenderSets(services, local)), new("iptables-nft-restore", ["-w", "--noflush", "--counters"], IpvsProxyRules.RenderRules())],
            turn => IpSet(IpvsProxyRules.RenderEntries(turn % 2 == 0 ? "del" : "add", [services[turn / 2 % Services]], local)));

        static RuleWrite IpSet(string text) => new("ipset", ["restore"], text);
    }
}

/// <summary>A command that changes rules.</summary>
/// <param name="Input">On its standard input.</param>
internal sealed record RuleWrite(string Program, IReadOnlyList<string> Arguments, string Input);
