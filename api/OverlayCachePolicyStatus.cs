using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Api;

/// <summary>What became of a policy: sums over its nodes, never a list of them.</summary>
public sealed record OverlayCachePolicyStatus
{
    /// <summary>The longest <see cref="Message"/>, in characters.</summary>
    public const int MaximumMessage = 256;

    /// <summary>The generation of the policy that the status speaks of.</summary>
    public long ObservedGeneration { get; init; }

    /// <summary>Accepted, Programmed and Ready; Reconciling and Stalled only while true.</summary>
    [Items(maxItems: 8)]
    [ListType(ListType.Map, "type")]
    public IReadOnlyList<Condition> Conditions { get; init; } = [];

    /// <summary>Nodes, counted.</summary>
    public PolicyNodes Nodes { get; init; } = new(0, 0, 0);

    /// <summary>Pods, counted.</summary>
    public PolicyPods Pods { get; init; } = new(0, 0);

    /// <summary>What keeps the policy from being in force everywhere: the first node and why; absent when nothing does.</summary>
    [Length(maxLength: MaximumMessage)]
    public string? Message { get; init; }
}

/// <summary>The nodes of a policy.</summary>
/// <param name="Selected">Nodes its selector covers.</param>
/// <param name="Programmed">Of these, nodes whose agent has put it in force.</param>
/// <param name="Failed">Of these, nodes where it cannot be put in force.</param>
public sealed record PolicyNodes(int Selected, int Programmed, int Failed);

/// <summary>The pods of a policy.</summary>
/// <param name="Selected">Pods for which it is the policy that decides.</param>
/// <param name="Accelerated">Of these, pods whose flows take the fast path once learned.</param>
public sealed record PolicyPods(int Selected, int Accelerated);
