namespace OnCache.Lab.Topology;

/// <summary>What the lab's agents are told: one policy for all pods.</summary>
public sealed record AgentPolicy
{
    /// <summary>As in the API: Accelerate, Observe or Disabled.</summary>
    public string Mode { get; init; } = "Accelerate";

    /// <summary>Peers, as a prefix, whose flows are excluded; null for none.</summary>
    public string? Excluded { get; init; }

    /// <summary>True to tell the agents that no NetworkPolicy is in force; false leaves them without knowledge of any.</summary>
    public bool Unrestricted { get; init; }

    /// <summary>Entries of the filter cache; null for the agent's default.</summary>
    public int? Flows { get; init; }

    /// <summary>Of a verdict, whole seconds; null for the agent's default.</summary>
    public int? LeaseSeconds { get; init; }
}
