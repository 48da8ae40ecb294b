namespace OnCache.Kubernetes.Cli;

/// <summary>
/// Gives memory back that work has left behind. A program that has nothing to do allocates so little that its next collection is hours away,
/// and would hold until then what its start, or a burst of events, needed.
/// </summary>
/// <param name="allocated">Octets that were ever allocated.</param>
/// <param name="collect">Collects and gives back; the program stands still meanwhile.</param>
public sealed class QuietHeap(Func<long> allocated, Action collect)
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(15);

    // Between two looks, some 15 s apart, by what comes without any work: probes, signs of life, looks.
    private const long Quiet = 2L << 20;

    private const long Worth = 4L << 20;

    private long _seen;
    private long _collected;
    private int _looks;

    /// <summary>That of this process.</summary>
    public QuietHeap()
        : this(
            static () => GC.GetTotalAllocatedBytes(),
            static () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true))
    {
    }

    /// <summary>
    /// Collects if little was allocated since the last look, and enough since the last collection; what the start left, at the second look in any case.
    /// </summary>
    public void Look()
    {
        var now = allocated();
        var isQuiet = now - _seen <= Quiet;
        var isSecond = ++_looks == 2;
        _seen = now;
        if ((isQuiet || isSecond) && now - _collected >= Worth)
        {
            collect();
            _collected = now;
        }
    }

    /// <summary>Looks until cancelled.</summary>
    public async Task RunAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(s_period, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            Look();
        }
    }
}
