namespace OnCache.Lab.Chaos;

/// <summary>What the traffic came to. Safe for use from several threads.</summary>
internal sealed class TrafficTally
{
    private long packets;
    private long echoes;
    private long connections;
    private long excused;

    /// <summary>Messages that reached a pod, over both protocols.</summary>
    public long Packets => Interlocked.Read(ref packets);

    /// <summary>Answers that came back.</summary>
    public long Echoes => Interlocked.Read(ref echoes);

    /// <summary>TCP connections that were made.</summary>
    public long Connections => Interlocked.Read(ref connections);

    /// <summary>Those that ended or stalled as they would have without us.</summary>
    public long Excused => Interlocked.Read(ref excused);

    public void Packet() => Interlocked.Increment(ref packets);

    public void Echo() => Interlocked.Increment(ref echoes);

    public void Connection() => Interlocked.Increment(ref connections);

    public void Excuse() => Interlocked.Increment(ref excused);
}
