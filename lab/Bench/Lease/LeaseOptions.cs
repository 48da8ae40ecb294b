using System.Globalization;

namespace OnCache.Lab.Bench.Lease;

/// <summary>Which leases <c>bench lease</c> compares, and how.</summary>
public sealed record LeaseOptions
{
    public const int MostLease = 600;
    public const int MostSeconds = 300;
    public const int UsualFlows = 10_000;
    public const int UsualSeconds = 15;

    /// <summary>Path of oncache-agent.</summary>
    public required string Agent { get; init; }

    /// <summary>Seconds each; the others are compared with the first.</summary>
    public IReadOnlyList<int> Leases { get; init; } = [30, 10, 5, 2, 1];

    /// <summary>Slow ones at once, of each lease.</summary>
    public int Flows { get; init; } = UsualFlows;

    /// <summary>Measured time of each workload, in each of the two passes.</summary>
    public int Seconds { get; init; } = UsualSeconds;

    /// <summary>Folder of lease.json and lease.html.</summary>
    public string Output { get; init; } = Path.Combine("artifacts", "bench");

    /// <summary>A lease as it stands on the command line.</summary>
    /// <exception cref="LabOptionException">It is no number.</exception>
    internal static int Parse(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var lease) ? lease : throw new LabOptionException("leases", text, "whole seconds, with commas between them");

    /// <exception cref="LabOptionException">A value is out of bounds.</exception>
    public void Validate()
    {
        foreach (var lease in Leases)
        {
            OptionChecks.Within("leases", lease, 1, MostLease);
        }

        if (Leases.Count < 2 || Leases.Distinct().Count() != Leases.Count)
        {
            throw new LabOptionException("leases", string.Join(',', Leases), "two different ones or more");
        }

        OptionChecks.Within("flows", Flows, SlowFlows.Askers, SlowFlows.Askers * SlowFlows.MostPeers);
        if (Flows % SlowFlows.Askers != 0)
        {
            throw new LabOptionException("flows", Flows, FormattableString.Invariant($"a multiple of {SlowFlows.Askers}"));
        }

        OptionChecks.Within("seconds", Seconds, 2, MostSeconds);
        OptionChecks.ExistingProgram("agent", Agent);
    }
}
