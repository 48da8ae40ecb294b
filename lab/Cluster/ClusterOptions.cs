using OnCache.Lab.Topology;

namespace OnCache.Lab.Cluster;

/// <summary>The cluster to bring up.</summary>
public sealed record ClusterOptions
{
    public const int MinNodes = 1;
    public const int MaxNodes = 8;

    /// <summary>Names the cluster and all its namespaces; unique by default, so that clusters of concurrent tests do not meet.</summary>
    public string Name { get; init; } = $"t{Guid.NewGuid():N}"[..9];

    public int Nodes { get; init; } = 2;

    /// <summary>MTU of the wire, bytes; the pods have 50 less, for the VXLAN encapsulation.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>Image archives that every node has when the cluster is up, loaded while it comes up.</summary>
    public IReadOnlyList<string> Images { get; init; } = [];

    /// <summary>True when the cluster outlives this process and only an explicit down ends it.</summary>
    public bool Detached { get; init; }

    /// <exception cref="LabOptionException">A value is out of bounds.</exception>
    public void Validate()
    {
        LabOptions.ValidateName(Name);
        OptionChecks.Within("nodes", Nodes, MinNodes, MaxNodes);
        OptionChecks.Within("mtu", Mtu, LabOptions.MinMtu, LabOptions.MaxMtu);
    }
}
