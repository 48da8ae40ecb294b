namespace OnCache.Lab.Demo;

/// <summary>How the demonstration runs.</summary>
public sealed record DemoOptions
{
    public const int MaxRounds = 100;
    public const double SecondsPerRound = 5;

    /// <summary>Below this a slice would be all warm-up.</summary>
    public const double LeastSecondsPerRound = 1.3;
    public const double MostSecondsPerRound = 600;

    /// <summary>Path of oncache-agent; null measures the plain parts only.</summary>
    public string? Agent { get; init; }

    /// <summary>Time spent measuring, all slices and their warm-ups together.</summary>
    public double Seconds { get; init; } = 6 * SecondsPerRound;

    /// <summary>How often every slice is repeated.</summary>
    public int Rounds { get; init; } = 6;

    /// <summary>Where the result goes as JSON too.</summary>
    public string? JsonPath { get; init; }

    /// <summary>The core everything measured runs on: the last, as the first serves most interrupts.</summary>
    public int Core { get; init; } = Math.Min(Environment.ProcessorCount, 64) - 1;

    /// <exception cref="LabOptionException">A value is out of bounds.</exception>
    public void Validate()
    {
        OptionChecks.Within("rounds", Rounds, 1, MaxRounds);

        var (least, most) = (Rounds * LeastSecondsPerRound, Rounds * MostSecondsPerRound);
        if (!(Seconds >= least && Seconds <= most))
        {
            throw new LabOptionException("seconds", Seconds, FormattableString.Invariant($"in {least:0.#}..{most} for {Rounds} rounds"));
        }

        if (Agent is not null && !File.Exists(Agent))
        {
            throw new LabOptionException("agent", Agent, "an existing program, or none");
        }
    }
}
