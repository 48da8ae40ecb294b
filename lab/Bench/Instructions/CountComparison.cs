namespace OnCache.Lab.Bench.Instructions;

/// <summary>Counts beside those of a reference. Pure.</summary>
public sealed class CountComparison
{
    /// <summary>Counts repeat within one percent.</summary>
    public const double MostRise = 0.02;

    private CountComparison(IReadOnlyList<CountRow> rows, IReadOnlyList<string> summary, bool hasRisen)
    {
        Rows = rows;
        Summary = summary;
        HasRisen = hasRisen;
    }

    /// <summary>One for each path and kind of traffic that was counted now.</summary>
    public IReadOnlyList<CountRow> Rows { get; }

    /// <summary>What to make of it, one line each.</summary>
    public IReadOnlyList<string> Summary { get; }

    /// <summary>Whether a count has risen, or nothing can be said of that.</summary>
    public bool HasRisen { get; }

    public static CountComparison Of(InstructionCounts reference, InstructionCounts current)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(current);
        CountRow[] rows =
        [
            .. current.PerTransaction.SelectMany(kind => kind.Value.Select(path => new CountRow(
                kind.Key, path.Key, path.Value, reference.PerTransaction.GetValueOrDefault(kind.Key)?.TryGetValue(path.Key, out var was) == true ? was : null))),
        ];
        var lost = reference.PerTransaction.SelectMany(kind => kind.Value.Keys.Where(path => !rows.Any(row => row.Kind == kind.Key && row.Path == path)).Select(path => $"{kind.Key} on {path}")).ToArray();
        if (reference.Kernel != current.Kernel)
        {
            return new CountComparison(
                rows,
                [$"the reference is of kernel {reference.Kernel} and this is {current.Kernel}: nothing can be said; count a commit known to be good with RECORD=1 first"],
                hasRisen: true);
        }

        var risen = rows.Where(row => row.Rise > MostRise).Select(row => FormattableString.Invariant($"{row.Kind} on {row.Path}: {row.Rise * 100:F1} % more instructions than the reference has"));
        var missing = lost.Select(name => $"{name}: in the reference and not counted");
        string[] faults = [.. risen, .. missing];
        IReadOnlyList<string> notes = reference.Runtime == current.Runtime
            ? []
            : [$"the traffic ran on .NET {current.Runtime}, the reference's on {reference.Runtime}: its own instructions, equal on all paths, may differ"];
        return new CountComparison(rows, [.. faults.Length == 0 ? [$"no count has risen by more than {MostRise * 100:F0} %"] : faults, .. notes], faults.Length > 0);
    }
}

/// <summary>One count.</summary>
/// <param name="Instructions">Per transaction.</param>
/// <param name="Reference">Null where the reference has none.</param>
public sealed record CountRow(string Kind, string Path, long Instructions, long? Reference)
{
    /// <summary>0.01 is one percent more than the reference; null without one.</summary>
    public double? Rise => Reference is { } was ? ((double)Instructions / was) - 1 : null;
}
