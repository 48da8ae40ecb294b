using OnCache.Lab.Topology;

namespace OnCache.Lab.Bench.Coherence;

/// <summary>How the measurement of coherence runs.</summary>
public sealed record CoherenceOptions
{
    public const int MaxFlows = 4_000_000;

    /// <summary>Path of oncache-agent.</summary>
    public required string Agent { get; init; }

    /// <summary>Path of oncache-operator.</summary>
    public required string Operator { get; init; }

    /// <summary>The folder with our custom resource definitions.</summary>
    public required string Definitions { get; init; }

    /// <summary>Local pods of the node that is measured; one run for each number.</summary>
    public IReadOnlyList<int> Pods { get; init; } = [10, 110, 250];

    /// <summary>Flows cached on that node, spread over its pods.</summary>
    public int Flows { get; init; } = 1_000_000;

    /// <summary>Events of each kind.</summary>
    public int Events { get; init; } = 100;

    /// <summary>Times that all is flushed and the memory given back; and that policies change unheard.</summary>
    public int Repeats { get; init; } = 2;

    /// <summary>Packets a second of the flow that is observed: the spacing is the resolution.</summary>
    public int Rate { get; init; } = 5_000;

    /// <summary>The lease while no signal reaches the agent.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Where the result goes as JSON too.</summary>
    public string? JsonPath { get; init; }

    /// <exception cref="LabOptionException">A value is out of bounds.</exception>
    public void Validate()
    {
        foreach (var pods in Pods)
        {
            OptionChecks.Within("pods", pods, 1, LabOptions.MaxPods);
        }

        OptionChecks.Within("flows", Flows, 0, MaxFlows);
        OptionChecks.Within("events", Events, 1, 10_000);
        OptionChecks.Within("repeats", Repeats, 1, 100);
        OptionChecks.Within("rate", Rate, 500, 50_000);
    }
}
