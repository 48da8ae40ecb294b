using System.Net;
using OnCache.Agent.Configuration;
using OnCache.Agent.Daemon;
using OnCache.Agent.Net;
using OnCache.Agent.Tests.Topology;
using OnCache.Api;

namespace OnCache.Agent.Tests.Daemon;

/// <summary>Plans of a node in flannel's layout whose pods hang on <c>cni0</c> by <c>vethN</c>, the device of number 100 + N.</summary>
internal static class PlannedNode
{
    public static NodePlan Of(NodePlan? before, params int[] pods) => NodePlanner.Plan(Snapshot(pods), Configuration(pods), Networks.Options, before);

    public static NetworkSnapshot Snapshot(params int[] pods) => pods.Aggregate(Networks.Node, static (network, pod) => network
        .With(Networks.PodLink with { IfIndex = 100 + pod, Name = $"veth{pod}" })
        .With(new Neighbour(Networks.Cni0, AddressOf(pod), MacOf(pod), NeighbourState.Reachable))
        .With(new FdbEntry { IfIndex = 100 + pod, Mac = MacOf(pod), MasterIfIndex = Networks.Cni0 }));

    public static AgentConfiguration Configuration(params int[] pods) => new(
        new NodeCacheConfig(new ObjectMeta("n1"), new NodeCacheConfigSpec { Policies = [new CachePolicy { Name = "all" }] }),
        new LocalEndpoints(
            new ObjectMeta("n1"),
            [new LocalNamespace("shop", new Dictionary<string, string>(StringComparer.Ordinal))],
            [.. pods.Select(static pod => new LocalEndpoint { Name = $"pod{pod}", Namespace = "shop", Uid = $"uid{pod}", Ip = IPAddress.Parse($"{AddressOf(pod)}") })]));

    public static Ipv4Address AddressOf(int pod) => new(Ipv4Address.Parse("10.244.1.10").Value + (uint)pod);

    private static MacAddress MacOf(int pod) => MacAddress.Parse($"02:00:00:00:10:{pod:x2}");
}
