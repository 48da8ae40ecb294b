using OnCache.Agent.Bpf;

namespace OnCache.Agent.Datapath;

/// <summary>What one pod has of the filter cache.</summary>
/// <param name="Entries">Entries that are its own.</param>
/// <param name="Refused">Packets that taught nothing, as it held as many entries as were free.</param>
internal readonly record struct CacheShare(int Entries, long Refused)
{
    /// <summary>Between two sweeps a count may be off, and below nothing.</summary>
    public static CacheShare Of(Held held) => new((int)Math.Max(0, held.Entries), (long)held.Refused);
}
