namespace OnCache.Kubernetes.Leases;

/// <summary>Ends a leadership that was not renewed in time, counted from before each renewal was sent.</summary>
internal sealed class LeadershipDeadline : IAsyncDisposable
{
    private readonly TimeProvider _time;
    private readonly TimeSpan _limit;
    private readonly ITimer _timer;

    public LeadershipDeadline(TimeProvider time, TimeSpan limit, long acquired, Action end)
    {
        _time = time;
        _limit = limit;
        _timer = time.CreateTimer(_ => end(), state: null, Left(acquired), Timeout.InfiniteTimeSpan);
    }

    public void Renewed(long sent) => _timer.Change(Left(sent), Timeout.InfiniteTimeSpan);

    /// <summary>Waits for an end in progress, so that what it ends may go afterwards.</summary>
    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private TimeSpan Left(long since)
    {
        var left = _limit - _time.GetElapsedTime(since);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
