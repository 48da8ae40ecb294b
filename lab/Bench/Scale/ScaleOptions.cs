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
        OptionChecks.Within("rounds", Rounds, 1, MaxRounds);
        OptionChecks.Within("flows", Flows, LeastFlows, MostFlows);
        OptionChecks.ExistingProgram("agent", Agent);
    }
}
