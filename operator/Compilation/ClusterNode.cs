using OnCache.Api;

namespace OnCache.Operator.Compilation;

/// <summary>A node as the compiler sees it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Labels">Its labels.</param>
internal sealed record ClusterNode(string Name, IReadOnlyDictionary<string, string> Labels)
{
    private const string OperatingSystem = "kubernetes.io/os";

    /// <summary>Whether an agent can run there. Every kubelet sets the label; a node without it is taken for Linux.</summary>
    public bool IsLinux => !Labels.TryGetValue(OperatingSystem, out var system) || string.Equals(system, "linux", StringComparison.Ordinal);

    /// <summary>Whether the policy covers the node.</summary>
    public bool IsCoveredBy(OverlayCachePolicySpec policy) => IsLinux && policy.NodeSelector?.Matches(Labels) != false;
}
