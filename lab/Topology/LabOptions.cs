using System.Text.RegularExpressions;

namespace OnCache.Lab.Topology;

/// <summary>Which packet filter rules the nodes carry.</summary>
public enum NodeRules
{
    /// <summary>kube-proxy's iptables layout, per-pod policy chains and flannel's rules.</summary>
    KubeProxy,

    /// <summary>No rules and so no connection tracking.</summary>
    None,
}

/// <summary>The lab to bring up.</summary>
public sealed partial record LabOptions
{
    public const int MinNodes = 2;
    public const int MaxNodes = 16;
    public const int MinPods = 1;
    public const int MaxPods = 250;
    public const int MinMtu = 576;
    public const int MaxMtu = 9000;

    /// <summary>Names the lab and all its namespaces; unique by default, so that labs of concurrent tests do not meet.</summary>
    public string Name { get; init; } = $"t{Guid.NewGuid():N}"[..9];

    public int Nodes { get; init; } = 2;

    /// <summary>Pods on each node.</summary>
    public int Pods { get; init; } = 1;

    /// <summary>MTU of the wire, bytes; the pods have 50 less, for the VXLAN encapsulation.</summary>
    public int Mtu { get; init; } = 1500;

    public NodeRules Rules { get; init; } = NodeRules.KubeProxy;

    /// <summary>What the nodes' agents are told to do, where one is started.</summary>
    public AgentPolicy Agent { get; init; } = new();

    /// <summary>True when the lab outlives this process and only an explicit down ends it.</summary>
    public bool Detached { get; init; }

    /// <exception cref="LabOptionException">A value is out of bounds.</exception>
    public void Validate()
    {
        ValidateName(Name);
        OptionChecks.Within("nodes", Nodes, MinNodes, MaxNodes);
        OptionChecks.Within("pods", Pods, MinPods, MaxPods);
        OptionChecks.Within("mtu", Mtu, MinMtu, MaxMtu);
    }

    /// <exception cref="LabOptionException">Not usable as a part of namespace names.</exception>
    public static void ValidateName(string name)
    {
        if (!NamePattern.IsMatch(name))
        {
            throw new LabOptionException("name", name, "1 to 20 lower-case letters, digits and inner hyphens");
        }
    }

    [GeneratedRegex("^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NamePattern { get; }
}
