using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Bench.Instructions;

/// <summary>One way from client to server whose instructions are counted.</summary>
/// <param name="Name">As in the results.</param>
/// <param name="Recipe">The lab that it runs in; paths with the same one share a lab.</param>
/// <param name="To">Whom the client addresses.</param>
public sealed record CountedPath(string Name, LabRecipe Recipe, CountedPeer To)
{
    private static readonly LabRecipe Bare = new("bare") { Rules = NodeRules.None };
    private static readonly LabRecipe Plain = new("plain") { Pods = 2 };
    private static readonly LabRecipe Flowtable = new("flowtable") { Pods = 2, Flowtable = FlowtableDevices.PodsAndTunnel };
    private static readonly LabRecipe OnCache = new("oncache") { Pods = 2, Agent = new AgentPolicy(), Accelerates = true };
    private static readonly LabRecipe Shortcut = new("shortcut") { Pods = 2, Agent = new AgentPolicy { Unrestricted = true }, Accelerates = true };

    public static IReadOnlyList<CountedPath> All { get; } =
    [
        new(Variant.Host, Bare, CountedPeer.Node),
        new(Variant.HostRules, Plain, CountedPeer.Node),
        .. ByPeer(Variant.Overlay, Plain),
        .. ByPeer("flowtable", Flowtable),
        .. ByPeer(Variant.OnCache, OnCache),
        new(Variant.OnCacheShortcut, Shortcut, CountedPeer.Pod),
    ];

    private static IEnumerable<CountedPath> ByPeer(string name, LabRecipe recipe) =>
    [
        new(name, recipe, CountedPeer.Pod),
        new($"{name}/cluster-ip", recipe, CountedPeer.ClusterIp),
        new($"{name}/same-node", recipe, CountedPeer.SameNode),
    ];
}

/// <summary>Who serves, and by which address the client, a pod or for <see cref="Node"/> a node, reaches it.</summary>
public enum CountedPeer
{
    /// <summary>The other node, from node to node.</summary>
    Node,

    /// <summary>A pod of the other node, by its address.</summary>
    Pod,

    /// <summary>The same pod, by a Service's address.</summary>
    ClusterIp,

    /// <summary>Another pod of the client's node.</summary>
    SameNode,
}
