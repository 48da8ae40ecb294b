namespace OnCache.Api;

/// <summary>A condition before it is known since when it holds.</summary>
/// <param name="Type">See <see cref="ConditionType"/>.</param>
/// <param name="Status">Whether it holds.</param>
/// <param name="Reason">Why, as one word.</param>
/// <param name="Message">Why, for a person.</param>
public sealed record Finding(string Type, ConditionStatus Status, string Reason, string Message);

/// <summary>Turns findings into conditions.</summary>
public static class ConditionSet
{
    /// <summary>The conditions of the findings. The time of the last transition is <paramref name="now"/> only where the status is another than before.</summary>
    /// <param name="before">The conditions that were reported last.</param>
    /// <param name="findings">What is the case; types that are not among them are left out.</param>
    /// <param name="generation">The generation of the object they speak of.</param>
    /// <param name="now">The time.</param>
    public static IReadOnlyList<Condition> Next(IReadOnlyList<Condition> before, IEnumerable<Finding> findings, long generation, DateTimeOffset now) =>
    [
        .. findings.Select(finding => new Condition(
            finding.Type,
            finding.Status,
            finding.Reason,
            finding.Message,
            generation,
            before.FirstOrDefault(old => string.Equals(old.Type, finding.Type, StringComparison.Ordinal)) is { } old && old.Status == finding.Status
                ? old.LastTransitionTime
                : Seconds(now))),
    ];

    // Kubernetes' times have no fractions; with them a written status would differ from the same status read back.
    private static DateTimeOffset Seconds(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());
}
