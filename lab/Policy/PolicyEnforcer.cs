using OnCache.Lab.Overlay;

namespace OnCache.Lab.Policy;

/// <summary>Stands for the part of a CNI that enforces network policies: each rule on the node of its destination, where packets are forwarded to the pod.</summary>
/// <remarks>One enforcer for a lab at a time: a policy replaces whatever was denied before, on every node.</remarks>
public sealed class PolicyEnforcer(OverlayLab lab, EnforcerKind kind)
{
    public EnforcerKind Kind => kind;

    /// <summary>Makes exactly these rules hold; on each node in one step. When it returns, the next packet is judged by them.</summary>
    /// <exception cref="LabException">The lab has no rules, or a pod is of another lab.</exception>
    public async Task ApplyAsync(IReadOnlyCollection<DenyRule> rules, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(rules);
        if (rules.FirstOrDefault(rule => !lab.Nodes.Contains(rule.Destination.Node)) is { } foreign)
        {
            throw new LabException($"deny {foreign.Source} to {foreign.Destination}: the pod is not of lab {lab.Name}");
        }

        foreach (var node in lab.Nodes)
        {
            await node.EnforceAsync(kind, [.. rules.Where(rule => rule.Destination.Node == node)], cancellationToken);
        }
    }

    /// <summary>Denies nothing any more.</summary>
    public Task RemoveAsync(CancellationToken cancellationToken = default) => ApplyAsync([], cancellationToken);
}
