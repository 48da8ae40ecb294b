using OnCache.Agent.Datapath;
using OnCache.Agent.Net;

namespace OnCache.Agent.Daemon;

/// <summary>Which pods want more of the filter cache than their share. For any thread.</summary>
internal sealed class CacheShares(TimeProvider time)
{
    /// <summary>For so long after a refusal a pod counts as one that wants more: its flows come and go, its status should not.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromMinutes(1);

    private readonly Dictionary<Ipv4Address, (long Refused, long? At)> _seen = [];
    private readonly Lock _lock = new();
    private volatile IReadOnlySet<Ipv4Address> _beyond = new HashSet<Ipv4Address>();

    /// <summary>Pods to which entries were refused within the last minute.</summary>
    public IReadOnlySet<Ipv4Address> Beyond => _beyond;

    /// <param name="shares">Of all pods of the node.</param>
    /// <returns>Whether <see cref="Beyond"/> has changed.</returns>
    public bool Observe(IReadOnlyDictionary<Ipv4Address, CacheShare> shares)
    {
        using var one = _lock.EnterScope();
        foreach (var gone in _seen.Keys.Where(address => !shares.ContainsKey(address)).ToList())
        {
            _seen.Remove(gone);
        }

        foreach (var (address, share) in shares)
        {
            // What an earlier agent's time has refused is no news.
            var seen = _seen.GetValueOrDefault(address, (share.Refused, null));
            _seen[address] = (share.Refused, share.Refused > seen.Refused ? time.GetTimestamp() : seen.At);
        }

        var beyond = _seen.Where(pair => pair.Value.At is { } at && time.GetElapsedTime(at) < Kept).Select(pair => pair.Key).ToHashSet();
        if (beyond.SetEquals(_beyond))
        {
            return false;
        }

        _beyond = beyond;
        return true;
    }
}
