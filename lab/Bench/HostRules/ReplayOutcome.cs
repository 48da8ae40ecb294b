using System.Globalization;
using OnCache.Lab.Demo;

namespace OnCache.Lab.Bench.HostRules;

/// <summary>What an agent did while rules were replayed beside it.</summary>
/// <param name="Replay">Its name.</param>
/// <param name="Cpu">Of the agent, in percent of a core.</param>
/// <param name="Changes">Of rules or elements, in a second.</param>
/// <param name="Flushes">By cause.</param>
/// <param name="LastFlush">As its log has it; null where it never flushed.</param>
/// <param name="Use">Packets of the node's pods, by the path they took.</param>
internal sealed record ReplayOutcome(string Replay, double Cpu, double Changes, IReadOnlyDictionary<string, long> Flushes, string? LastFlush, FastPathUse Use)
{
    /// <summary>Percent of a core that following what concerns no flow may cost.</summary>
    public const double MostCpu = 2;

    /// <summary>What is not as it should be, a line each.</summary>
    public IEnumerable<string> Objections
    {
        get
        {
            foreach (var (cause, count) in Flushes.Where(static pair => pair.Value > 0).OrderBy(static pair => pair.Key, StringComparer.Ordinal))
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{Replay}: {count} flushes by {cause}; the last of all: {LastFlush}");
            }

            if (Replay != HostRules.Replay.Idle && Cpu > MostCpu)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{Replay}: the agent took {Cpu:F2} % of a core, above {MostCpu} %");
            }

            if (Use.Objection is { } objection)
            {
                yield return $"{Replay}: {objection}";
            }
        }
    }
}
