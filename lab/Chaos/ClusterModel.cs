using System.Net.Sockets;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.NetworkPolicies;
using OnCache.Lab.Api;

namespace OnCache.Lab.Chaos;

/// <summary>A pod that has its address, and the labels it has in the API.</summary>
internal sealed record ModelPod(ApiPod Pod, IReadOnlyDictionary<string, string> Labels);

/// <summary>What the API holds that verdicts depend on. A value: every change is a new one.</summary>
internal sealed record ClusterModel(
    IReadOnlyDictionary<string, ModelPod> Pods,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Namespaces,
    IReadOnlyDictionary<NamespacedName, V1NetworkPolicy> Policies)
{
    public const int TcpPort = 7001;
    public const int UdpPort = 7002;

    public static ClusterModel Empty { get; } = new(
        new Dictionary<string, ModelPod>(StringComparer.Ordinal),
        new Dictionary<string, IReadOnlyDictionary<string, string>>(StringComparer.Ordinal),
        new Dictionary<NamespacedName, V1NetworkPolicy>());

    public ClusterModel With(ModelPod pod) => this with
    {
        Pods = new Dictionary<string, ModelPod>(Pods, StringComparer.Ordinal) { [pod.Pod.Uid] = pod },
    };

    public ClusterModel Without(ApiPod pod) => this with
    {
        Pods = Pods.Where(entry => entry.Key != pod.Uid).ToDictionary(StringComparer.Ordinal),
    };

    public ClusterModel With(string home, IReadOnlyDictionary<string, string> labels) => this with
    {
        Namespaces = new Dictionary<string, IReadOnlyDictionary<string, string>>(Namespaces, StringComparer.Ordinal) { [home] = labels },
    };

    public ClusterModel With(V1NetworkPolicy policy) => this with
    {
        Policies = new Dictionary<NamespacedName, V1NetworkPolicy>(Policies) { [NamespacedName.Of(policy)] = policy },
    };

    public ClusterModel Without(NamespacedName policy) => this with
    {
        Policies = Policies.Where(entry => entry.Key != policy).ToDictionary(),
    };

    /// <summary>All that the policies deny between the pods that are there, each by the node that enforces it.</summary>
    public IReadOnlySet<DenialKey> Denials()
    {
        var denied = new HashSet<DenialKey>();
        var policies = Policies.Values.ToArray();
        var ends = Pods.Values.Select(pod => (pod.Pod.Uid, End: new TrafficEnd(pod.Pod.Sandbox.Address, ToPolicyPod(pod)))).ToArray();
        foreach (var source in ends)
        {
            foreach (var destination in ends.Where(end => end.Uid != source.Uid))
            {
                foreach (var protocol in (ProtocolType[])[ProtocolType.Tcp, ProtocolType.Udp])
                {
                    var port = protocol == ProtocolType.Tcp ? new TrafficPort("TCP", TcpPort) : new TrafficPort("UDP", UdpPort);
                    Add(TrafficDirections.Ingress, destination.End.Pod!, source.End);
                    Add(TrafficDirections.Egress, source.End.Pod!, destination.End);

                    void Add(TrafficDirections direction, PolicyPod pod, TrafficEnd peer)
                    {
                        if (!PolicyEvaluator.Allows(policies, pod, direction, peer, port))
                        {
                            denied.Add(new DenialKey(source.Uid, destination.Uid, protocol, direction));
                        }
                    }
                }
            }
        }

        return denied;
    }

    /// <summary>The pod whose policies deny it; its node enforces them.</summary>
    public ModelPod Judge(DenialKey key) => Pods[key.Direction == TrafficDirections.Ingress ? key.Destination : key.Source];

    private PolicyPod ToPolicyPod(ModelPod pod) => new(pod.Pod.Name, pod.Labels, Namespaces[pod.Pod.Name.Namespace!]);
}
