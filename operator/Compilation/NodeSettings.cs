using OnCache.Api;

namespace OnCache.Operator.Compilation;

/// <summary>The settings that a node has once, whatever the number of its policies.</summary>
internal static class NodeSettings
{
    /// <summary>
    /// Sizes are the largest asked for, so that no policy finds less room than it was given. Lease and settle are the strictest, the
    /// shortest and the longest, so that what a policy promises about stale verdicts holds beside any other.
    /// Disabled policies learn nothing and have no say; with no other policy the defaults hold.
    /// </summary>
    public static NodeCacheConfigSpec Merge(IEnumerable<ClusterPolicy> inForce)
    {
        var learning = inForce.Select(policy => policy.Spec).Where(spec => spec.Mode != AccelerationMode.Disabled).ToArray();
        return learning.Length == 0
            ? new NodeCacheConfigSpec()
            : new NodeCacheConfigSpec
            {
                CacheSizes = new CacheSizes
                {
                    Filter = learning.Max(spec => spec.CacheSizes.Filter),
                    Egress = learning.Max(spec => spec.CacheSizes.Egress),
                    Ingress = learning.Max(spec => spec.CacheSizes.Ingress),
                },
                Lease = learning.Min(spec => spec.Lease),
                Settle = learning.Max(spec => spec.Settle),
            };
    }
}
