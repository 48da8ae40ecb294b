namespace OnCache.Operator.Peers;

/// <summary>How fast signals are written. In t seconds n nodes cost at most the lesser of n (t / PerNode + 1) and Burst + PerSecond t writes.</summary>
internal sealed record SignalPace
{
    /// <summary>Between two signals to one node.</summary>
    public TimeSpan PerNode { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Signals to all nodes together, in the long run.</summary>
    public double PerSecond { get; init; } = 50;

    /// <summary>Signals to all nodes at once, after a pause.</summary>
    public int Burst { get; init; } = 50;
}
