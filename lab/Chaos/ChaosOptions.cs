using OnCache.Lab.Policy;

namespace OnCache.Lab.Chaos;

/// <summary>A chaos run.</summary>
public sealed record ChaosOptions
{
    public const int MaxPods = 16;

    /// <summary>Every random choice follows from it; what the machine makes of the choices, and when, does not.</summary>
    public int Seed { get; init; } = Random.Shared.Next(1, 1_000_000);

    /// <summary>How long things happen.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Path of oncache-agent.</summary>
    public required string Agent { get; init; }

    /// <summary>Path of oncache-operator.</summary>
    public required string Operator { get; init; }

    /// <summary>The folder with our custom resource definitions.</summary>
    public required string Definitions { get; init; }

    /// <summary>Where the log goes, as SEED.log.</summary>
    public required string Artifacts { get; init; }

    public int Nodes { get; init; } = 2;

    /// <summary>Addresses of pods on each node; at times nobody has one.</summary>
    public int Pods { get; init; } = 3;

    /// <summary><c>spec.lease</c>, and the bound where signals are lost.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary><c>spec.settle</c>; the enforcer is quicker than this, unless the machine is not.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// The bound where agent and API are up: far above the latency of a flush, as a message is stamped, and a signal heard, by a program that
    /// may have to wait for a core.
    /// </summary>
    public TimeSpan Allowance { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>What the enforcer does with established flows; null lets the seed choose.</summary>
    public EnforcerKind? Enforcer { get; init; }

    /// <summary>True to keep all news from the agents behind the oracle's back: such a run must be found at fault.</summary>
    public bool Sabotage { get; init; }

    /// <exception cref="LabOptionException">A value is out of bounds.</exception>
    public void Validate()
    {
        OptionChecks.Within("pods", Pods, 1, MaxPods);
        OptionChecks.Within("duration", (int)Duration.TotalSeconds, 1, 24 * 3600);
        OptionChecks.Within("lease", (int)Lease.TotalSeconds, 1, 600);
        OptionChecks.Within("settle", (int)Settle.TotalSeconds, 1, 60);
        if (Enforcer is EnforcerKind.Forgetting)
        {
            throw new LabOptionException("enforcer", Enforcer, "NewOnly or Cutting");
        }
    }
}
