namespace OnCache.Agent.Datapath;

/// <summary>What one pod has of the filter cache.</summary>
/// <param name="Entries">Entries that are its own.</param>
/// <param name="Refused">Packets that taught nothing, as it held as many entries as were free.</param>
internal readonly record struct CacheShare(int Entries, long Refused);
