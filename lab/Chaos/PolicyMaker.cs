using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Lab.Chaos;

/// <summary>Random network policies that matter to the run's pods: their labels, namespaces and ports.</summary>
internal static class PolicyMaker
{
    public const string RoleLabel = "role";
    public const string TeamLabel = "team";
    private static readonly string[] Roles = ["a", "b"];
    private static readonly string[] Teams = ["x", "y"];

    public static string Role(Random random) => Roles[random.Next(Roles.Length)];

    public static string Team(Random random) => Teams[random.Next(Teams.Length)];

    /// <summary>Nobody may send to the pods of the namespace.</summary>
    public static V1NetworkPolicy Isolation(string home, string name) => new()
    {
        Metadata = new V1ObjectMeta { NamespaceProperty = home, Name = name },
        Spec = new V1NetworkPolicySpec { PolicyTypes = ["Ingress"] },
    };

    public static V1NetworkPolicy Create(string home, string name, Random random)
    {
        var isIngress = random.Next(3) > 0;
        V1NetworkPolicyPeer[] peers = [.. Enumerable.Range(0, random.Next(3)).Select(_ => Peer(random))];
        V1NetworkPolicyPort[] ports = random.Next(4) switch
        {
            0 => [new V1NetworkPolicyPort { Protocol = "TCP", Port = new IntOrString(ClusterModel.TcpPort) }],
            1 => [new V1NetworkPolicyPort { Protocol = "UDP", Port = new IntOrString(ClusterModel.UdpPort) }],
            _ => [],
        };
        var isClosed = random.Next(4) == 0;
        return new V1NetworkPolicy
        {
            Metadata = new V1ObjectMeta { NamespaceProperty = home, Name = name },
            Spec = new V1NetworkPolicySpec
            {
                PodSelector = random.Next(3) == 0 ? new V1LabelSelector() : Selector(RoleLabel, Role(random)),
                PolicyTypes = [isIngress ? "Ingress" : "Egress"],
                Ingress = isIngress && !isClosed ? [new V1NetworkPolicyIngressRule { FromProperty = peers, Ports = ports }] : [],
                Egress = !isIngress && !isClosed ? [new V1NetworkPolicyEgressRule { To = peers, Ports = ports }] : [],
            },
        };
    }

    private static V1NetworkPolicyPeer Peer(Random random) => random.Next(3) switch
    {
        0 => new V1NetworkPolicyPeer { PodSelector = Selector(RoleLabel, Role(random)) },
        1 => new V1NetworkPolicyPeer { NamespaceSelector = Selector(TeamLabel, Team(random)) },
        _ => new V1NetworkPolicyPeer { PodSelector = Selector(RoleLabel, Role(random)), NamespaceSelector = new V1LabelSelector() },
    };

    private static V1LabelSelector Selector(string key, string value) =>
        new() { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { [key] = value } };
}
