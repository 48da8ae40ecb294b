namespace OnCache.Lab.Bench.Scale;

/// <summary>How <c>bench scale</c> runs.</summary>
public sealed record ScaleOptions
{
    public const int MaxRounds = 100;
    public const int LeastFlows = 1000;
    public const int MostFlows = 4_000_000;

    /// <summary>Path of oncache-agent.</summary>
    public required string Agent { get; init; }

    public int Rounds { get; init; } = 5;

    /// <summary>The most cached flows.</summary>
    public int Flows { get; init; } = 1_000_000;

    /// <summary>Packets for one sample.</summary>
    public int Runs { get; init; } = 20_000;

    /// <summary>Folder of scale.json and scale.html.</summary>
    public string Output { get; init; } = Path.Combine("artifacts", "bench");

    /// <exception cref="LabOptionException">A value is out of bounds.</exception>
    public void Validate()
    {
        if (Rounds is < 1 or > MaxRounds)
        {
            throw new LabOptionException("rounds", Rounds, $"in 1..{MaxRounds}");
        }

        if (Flows is < LeastFlows or > MostFlows)
        {
            throw new LabOptionException("flows", Flows, $"in {LeastFlows}..{MostFlows}");
        }

        if (!File.Exists(Agent))
        {
            throw new LabOptionException("agent", Agent, "an existing program");
        }
    }
}
