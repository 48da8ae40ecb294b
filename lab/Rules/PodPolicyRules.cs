using System.Net;
using OnCache.Lab.Policy;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Rules;

/// <summary>Per-pod chains as network policy engines keep them, and the two places where a test can deny a pair of pods.</summary>
/// <remarks>
/// FORWARD jumps to <c>LAB-POLICY</c> first. There <c>LAB-CUT</c> comes before any accept, so its drops hit established flows too;
/// then each local pod's chains, which accept established flows before they ask <c>LAB-DENY</c> and the allowed peers.
/// A packet that is allowed returns to FORWARD, where kube-proxy's rules still see it.
/// </remarks>
internal static class PodPolicyRules
{
    private const string Policy = "LAB-POLICY";
    private const string Cut = "LAB-CUT";
    private const string Deny = "LAB-DENY";

    public static void AddTo(RuleTable table, NodePlan node)
    {
        table.Chain(Policy, Cut, Deny)
            .Append("FORWARD", $"-j {Policy}")
            .Append(Policy, $"-j {Cut}");
        foreach (var pod in node.Pods)
        {
            AddPod(table, pod);
        }
    }

    /// <summary>For <c>iptables-restore --noflush</c>: the chains of one more pod.</summary>
    public static string RenderAdd(PodPlan pod)
    {
        var table = new RuleTable("filter");
        AddPod(table, pod);
        return table.ToString();
    }

    /// <summary>For <c>iptables-restore --noflush</c>: takes the chains of a pod away.</summary>
    public static string RenderDelete(PodPlan pod)
    {
        var (address, ingress, egress) = Names(pod);
        return new RuleTable("filter")
            .Line($"-D {Policy} -d {address}/32 -j {ingress}")
            .Line($"-D {Policy} -s {address}/32 -j {egress}")
            .Line($"-F {ingress}").Line($"-X {ingress}")
            .Line($"-F {egress}").Line($"-X {egress}")
            .ToString();
    }

    /// <summary>The chain that denies, by whether flows already established are to be cut.</summary>
    public static string DenyChain(bool cutEstablished) => cutEstablished ? Cut : Deny;

    public static string[] Match(IPAddress source, IPAddress destination) => ["-s", $"{source}/32", "-d", $"{destination}/32", "-j", "DROP"];

    /// <summary>For <c>iptables-restore --noflush</c>, which replaces both chains in one step: what is denied, and nothing else.</summary>
    public static string RenderDenials(bool cutEstablished, IEnumerable<DenyRule> rules)
    {
        var table = new RuleTable("filter").Chain(Cut, Deny);
        foreach (var rule in rules)
        {
            table.Append(DenyChain(cutEstablished), $"{string.Join(' ', rule.Match())} -j DROP");
        }

        return table.ToString();
    }

    private static void AddPod(RuleTable table, PodPlan pod)
    {
        var (address, ingress, egress) = Names(pod);
        table.Chain(ingress, egress)
            .Append(Policy, $"-d {address}/32 -j {ingress}")
            .Append(Policy, $"-s {address}/32 -j {egress}");
        Allow(table, ingress, "-s");
        Allow(table, egress, "-d");
    }

    private static void Allow(RuleTable table, string chain, string peer) =>
        table
            .Append(chain, "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
            .Append(chain, $"-j {Deny}")
            .Append(chain, $"{peer} {AddressPlan.ClusterCidr} -j RETURN")
            .Append(chain, $"{peer} {AddressPlan.NodeNetwork} -j RETURN")
            .Append(chain, "-j DROP");

    private static (IPAddress Address, string Ingress, string Egress) Names(PodPlan pod) =>
        (AddressPlan.Pod(pod.Node, pod.Index), $"LAB-IN-{pod.Name}", $"LAB-OUT-{pod.Name}");
}
