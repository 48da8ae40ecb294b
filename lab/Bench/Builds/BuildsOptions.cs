namespace OnCache.Lab.Bench.Builds;

/// <summary>Which two builds <c>bench builds</c> compares, and how.</summary>
public sealed record BuildsOptions
{
    public const int MaxRounds = 100;
    public const int UsualRounds = 20;

    /// <summary>Of a slice, seconds.</summary>
    internal const double UsualSliceSeconds = 0.006;

    /// <summary>Of a row's connections, on each side and in each round.</summary>
    internal const double WarmUpSeconds = 0.08;

    /// <summary>Slices of each build for a row in a round.</summary>
    internal const int Slices = 40;

    /// <summary>Path of oncache-agent as it was.</summary>
    public required string Base { get; init; }

    /// <summary>Path of oncache-agent as it is.</summary>
    public required string Agent { get; init; }

    /// <summary>Names of rows; none for all.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    public int Rounds { get; init; } = UsualRounds;

    /// <summary>Folder of builds.json and builds.html.</summary>
    public string Output { get; init; } = Path.Combine("artifacts", "bench");

    internal IReadOnlyList<BuildRow> ChosenRows => [.. BuildRow.All.Where(row => Only.Count == 0 || Only.Contains(row.Name, StringComparer.Ordinal))];

    /// <exception cref="LabOptionException">A value is out of bounds.</exception>
    public void Validate()
    {
        OptionChecks.Known("only", Only, [.. BuildRow.All.Select(row => row.Name)]);
        OptionChecks.Within("rounds", Rounds, 2, MaxRounds);
        if (Rounds % 2 != 0)
        {
            throw new LabOptionException("rounds", Rounds, "even: each build is once the first of a pair of rounds and once the last");
        }

        OptionChecks.ExistingProgram("base", Base);
        OptionChecks.ExistingProgram("agent", Agent);
    }
}
