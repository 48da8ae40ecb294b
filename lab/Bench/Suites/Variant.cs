using OnCache.Lab.Topology;

namespace OnCache.Lab.Bench.Suites;

/// <summary>One way from client to server.</summary>
/// <param name="Name">As in the results.</param>
/// <param name="Meaning">One line for whoever reads them.</param>
/// <param name="Recipe">The lab that it runs in; variants with the same one share a lab.</param>
/// <param name="BetweenHosts">From node to node instead of from pod to pod.</param>
public sealed record Variant(string Name, string Meaning, LabRecipe Recipe, bool BetweenHosts = false)
{
    public const string Host = "host";
    public const string HostRules = "host-rules";
    public const string Overlay = "overlay";
    public const string OnCache = "oncache";
    public const string OnCacheShortcut = "oncache-shortcut";
    public const string OnCacheExcluded = "oncache-excluded";

    private static readonly LabRecipe Plain = new("plain");

    public static IReadOnlyList<Variant> All { get; } =
    [
        new(Host, "node to node, no netfilter rules, no connection tracking", new LabRecipe("bare") { Rules = NodeRules.None }, BetweenHosts: true),
        new(HostRules, "node to node under the node's rules", Plain, BetweenHosts: true),
        new(Overlay, "pod to pod over the plain VXLAN overlay", Plain),
        new("overlay+flowtable", "the overlay, with an nftables flowtable on bridge and tunnel device", new LabRecipe("flowtable") { Flowtable = FlowtableDevices.BridgeAndTunnel }),
        new(OnCache, "OnCache; connections are learned one by one", Accelerating("oncache", new AgentPolicy())),
        new(OnCacheShortcut, "OnCache where no NetworkPolicy restricts the pods: connections begin on the fast path", Accelerating("shortcut", new AgentPolicy { Unrestricted = true })),
        new("oncache-observe", "OnCache in mode Observe: learns and counts, accelerates nothing", new LabRecipe("observe") { Agent = new AgentPolicy { Mode = "Observe" } }),
        new(OnCacheExcluded, "OnCache, and the flow is excluded: traffic never accelerated", new LabRecipe("excluded") { Agent = new AgentPolicy { Excluded = AddressPlan.ClusterCidr } }),
    ];

    /// <summary>Those that the others are compared with.</summary>
    public static IReadOnlyList<string> Baselines { get; } = [Overlay, HostRules, Host];

    private static LabRecipe Accelerating(string name, AgentPolicy policy) => new(name) { Agent = policy, Accelerates = true };
}

/// <summary>How a lab is made.</summary>
public sealed record LabRecipe(string Name)
{
    public NodeRules Rules { get; init; } = NodeRules.KubeProxy;

    /// <summary>Pods on each node.</summary>
    public int Pods { get; init; } = 1;

    /// <summary>Where established flows are offloaded to a flowtable; null where they are not.</summary>
    public FlowtableDevices? Flowtable { get; init; }

    /// <summary>What the agents are told; null for no agents.</summary>
    public AgentPolicy? Agent { get; init; }

    /// <summary>Whether traffic is to take the fast path.</summary>
    public bool Accelerates { get; init; }
}

/// <summary>The devices whose packets a flowtable takes.</summary>
public enum FlowtableDevices
{
    /// <summary>The first that sees what comes up from the pods' bridge.</summary>
    BridgeAndTunnel,

    /// <summary>As Calico programs it: each pod's veth, and the tunnel device.</summary>
    PodsAndTunnel,
}
