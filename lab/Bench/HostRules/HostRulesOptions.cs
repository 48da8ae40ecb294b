namespace OnCache.Lab.Bench.HostRules;

/// <summary>Which replays <c>bench host-rules</c> runs, and for how long.</summary>
public sealed record HostRulesOptions
{
    public const int MostSeconds = 600;
    public const int UsualSeconds = 60;

    /// <summary>Path of oncache-agent.</summary>
    public required string Agent { get; init; }

    /// <summary>Names of replays; all when empty.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>Measured time of each.</summary>
    public int Seconds { get; init; } = UsualSeconds;

    /// <summary>Folder of host-rules.json and host-rules.html.</summary>
    public string Output { get; init; } = Path.Combine("artifacts", "bench");

    /// <exception cref="LabOptionException">A value is out of bounds.</exception>
    public void Validate()
    {
        OptionChecks.Known("only", Only, Replay.Names);
        OptionChecks.Within("seconds", Seconds, 2, MostSeconds);
        OptionChecks.ExistingProgram("agent", Agent);
    }
}
