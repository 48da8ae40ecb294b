namespace OnCache.Kubernetes.Resilience;

/// <summary>
/// Waits that double from <paramref name="Base"/> up to <paramref name="Cap"/>, spread so that many clients do not come back at once.
/// </summary>
/// <param name="Base">The first wait.</param>
/// <param name="Cap">The longest.</param>
public readonly record struct Backoff(TimeSpan Base, TimeSpan Cap)
{
    /// <summary>The wait before try number <paramref name="failures"/> + 1.</summary>
    /// <param name="failures">Failures in a row, at least one.</param>
    /// <param name="sample">Drawn evenly from [0, 1): the wait lies between half and the whole of its nominal length.</param>
    public TimeSpan Delay(int failures, double sample)
    {
        // 2^30 times any sensible base is past any cap; beyond, the shift would overflow.
        var nominal = Math.Min(Base.TotalSeconds * (1L << Math.Clamp(failures - 1, 0, 30)), Cap.TotalSeconds);
        return TimeSpan.FromSeconds(nominal * (0.5 + (sample / 2)));
    }
}
