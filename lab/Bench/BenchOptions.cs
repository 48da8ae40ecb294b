using OnCache.Lab.Bench.Suites;

namespace OnCache.Lab.Bench;

/// <summary>What <c>bench run</c> measures and where the results go.</summary>
public sealed record BenchOptions
{
    public const int MaxRounds = 100;
    public const double LeastSeconds = 0.05;
    public const double MostSeconds = 60;

    /// <summary>Path of oncache-agent.</summary>
    public required string Agent { get; init; }

    public Suite Suite { get; init; } = Suite.Standard;

    /// <summary>Names of workloads; none for all of the suite.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>Names of variants; none for all.</summary>
    public IReadOnlyList<string> Variants { get; init; } = [];

    /// <summary>Null for the suite's.</summary>
    public int? Rounds { get; init; }

    /// <summary>Of a slice; null for the suite's.</summary>
    public double? Seconds { get; init; }

    /// <summary>Folder of latest.json and latest.html.</summary>
    public string Output { get; init; } = Path.Combine("artifacts", "bench");

    internal int RoundCount => Rounds ?? Suite.Rounds;

    internal double SliceSeconds => Seconds ?? Suite.SliceSeconds;

    internal IReadOnlyList<Workload> ChosenWorkloads => [.. Suite.Workloads.Where(workload => Only.Count == 0 || Only.Contains(workload.Name, StringComparer.Ordinal))];

    internal IReadOnlyList<Variant> ChosenVariants => [.. Variant.All.Where(variant => Variants.Count == 0 || Variants.Contains(variant.Name, StringComparer.Ordinal))];

    /// <exception cref="LabOptionException">A value is out of bounds.</exception>
    public void Validate()
    {
        OptionChecks.Known("only", Only, Suite.Names);
        OptionChecks.Known("variants", Variants, [.. Variant.All.Select(variant => variant.Name)]);
        OptionChecks.Within("rounds", RoundCount, 1, MaxRounds);
        if (!(SliceSeconds >= LeastSeconds && SliceSeconds <= MostSeconds))
        {
            throw new LabOptionException("seconds", SliceSeconds, FormattableString.Invariant($"in {LeastSeconds}..{MostSeconds}"));
        }

        OptionChecks.ExistingProgram("agent", Agent);
    }
}
