namespace OnCache.Kubernetes.Watching;

/// <summary>When the server was last heard.</summary>
internal sealed class WatchPulse(TimeProvider time)
{
    private long _last = time.GetTimestamp();

    public TimeSpan Age => time.GetElapsedTime(Volatile.Read(ref _last));

    public void Beat() => Volatile.Write(ref _last, time.GetTimestamp());
}
