namespace OnCache.Api;

/// <summary>What one node's agent has to do: the policies that cover the node, flattened and ordered, and the merged cache sizes.</summary>
/// <param name="Metadata">Named after the node.</param>
/// <param name="Spec">The desired state.</param>
public sealed record NodeCacheConfig(ObjectMeta Metadata, NodeCacheConfigSpec Spec)
{
    /// <summary>The value of <c>kind</c>.</summary>
    public const string Kind = "NodeCacheConfig";
}
