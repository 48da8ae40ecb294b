namespace OnCache.Lab.Demo;

/// <summary>How the demonstration runs.</summary>
public sealed record DemoOptions
{
    public const int Rounds = 6;
    public const double MinSeconds = 8;
    public const double MaxSeconds = 3600;

    /// <summary>Path of oncache-agent; null measures the plain parts only.</summary>
    public string? Agent { get; init; }

    /// <summary>Time spent measuring, all slices and their warm-ups together.</summary>
    public double Seconds { get; init; } = 30;

    /// <summary>Where the result goes as JSON too.</summary>
    public string? JsonPath { get; init; }

    /// <summary>The core everything measured runs on: the last, as the first serves most interrupts.</summary>
    public int Core { get; init; } = Math.Min(Environment.ProcessorCount, 64) - 1;

    /// <exception cref="LabOptionException">A value is out of bounds.</exception>
    public void Validate()
    {
        if (!(Seconds >= MinSeconds && Seconds <= MaxSeconds))
        {
            throw new LabOptionException("seconds", Seconds, $"in {MinSeconds}..{MaxSeconds}");
        }

        if (Agent is not null && !File.Exists(Agent))
        {
            throw new LabOptionException("agent", Agent, "an existing program, or none");
        }
    }
}
