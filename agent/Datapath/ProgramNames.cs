using OnCache.Agent.Net;

namespace OnCache.Agent.Datapath;

/// <summary>The programs of <c>bpf/oncache.bpf.c</c> and where each belongs.</summary>
internal static class ProgramNames
{
    /// <summary>Every program of ours begins with it, also where the kernel has cut the name.</summary>
    public const string Prefix = "oncache_";

    public const string PodEgress = "oncache_pod_egress";
    public const string PodIngressLearn = "oncache_pod_ingress_learn";
    public const string NodeIngress = "oncache_node_ingress";
    public const string NodeEgressLearn = "oncache_node_egress_learn";

    /// <summary>Not attached: run by the agent to purge and count the filter cache.</summary>
    public const string Sweep = "oncache_sweep";

    /// <summary>On the host-side veth of a pod: what leaves the pod comes in here.</summary>
    public static IReadOnlyList<(string Program, TcDirection Direction)> OfEndpoint { get; } =
        [(PodIngressLearn, TcDirection.Egress), (PodEgress, TcDirection.Ingress)];

    /// <summary>On the NIC. The learner comes first: a miss marked before it is attached would leave the node marked.</summary>
    public static IReadOnlyList<(string Program, TcDirection Direction)> OfNic { get; } =
        [(NodeEgressLearn, TcDirection.Egress), (NodeIngress, TcDirection.Ingress)];

    public static IReadOnlyList<string> All { get; } = [PodEgress, PodIngressLearn, NodeIngress, NodeEgressLearn, Sweep];
}
