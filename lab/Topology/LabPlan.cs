using System.Globalization;
using System.Security.Cryptography;

namespace OnCache.Lab.Topology;

/// <summary>One pod to make. Re-creating a pod keeps its place, and with it the address, and changes everything else.</summary>
public sealed record PodPlan(int Node, int Index, string HostInterface, string Mac, Guid Uid)
{
    public string Name => LabNames.Pod(Node, Index);

    public static PodPlan Create(int node, int index) =>
        new(node, index, $"veth{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}", MacAddress.Random(), Guid.NewGuid());
}

/// <summary>One node to make. The tunnel's MAC is chosen here so that every other node can be told before the device exists.</summary>
public sealed record NodePlan(int Index, string UnderlayMac, string TunnelMac, IReadOnlyList<PodPlan> Pods)
{
    public string Name => LabNames.Node(Index);
}

/// <summary>Everything that is decided before the first namespace is made.</summary>
/// <param name="PodsAtStart">Pods on each node when the lab came up: the services point at these, also after pods came and went.</param>
public sealed record LabPlan(string Name, int Mtu, NodeRules Rules, int PodsAtStart, IReadOnlyList<NodePlan> Nodes, AgentPolicy Agent)
{
    public int PodMtu => Mtu - AddressPlan.EncapsulationBytes;

    /// <summary>Two nodes share one veth pair, which costs least between them; more need a bridge.</summary>
    public bool HasWireBridge => Nodes.Count > 2;

    public static LabPlan Create(LabOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var nodes = Enumerable.Range(1, options.Nodes).Select(node => new NodePlan(
            node,
            MacAddress.Random(),
            MacAddress.Random(),
            [.. Enumerable.Range(1, options.Pods).Select(pod => PodPlan.Create(node, pod))]));
        return new LabPlan(options.Name, options.Mtu, options.Rules, options.Pods, [.. nodes], options.Agent);
    }
}

internal static class MacAddress
{
    /// <summary>A random unicast address of the locally administered range.</summary>
    public static string Random()
    {
        var bytes = RandomNumberGenerator.GetBytes(6);
        bytes[0] = (byte)((bytes[0] & 0xfc) | 0x02);
        return string.Join(':', bytes.Select(b => b.ToString("x2", CultureInfo.InvariantCulture)));
    }
}
