namespace OnCache.Kubernetes.Leases;

/// <summary>Which lease, and how it is held.</summary>
/// <param name="Namespace">The lease's namespace.</param>
/// <param name="Name">The lease's name: candidates of one name compete.</param>
/// <param name="Identity">This candidate, unlike any other.</param>
public sealed record LeaderElectionSettings(string Namespace, string Name, string Identity)
{
    /// <summary>Others may take a lease that was not renewed for this long. Whole seconds.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// A leader that could not renew for this long stops. The difference to <see cref="LeaseDuration"/> is what its work may take to stop.
    /// </summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Between looks at the lease.</summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>What does not fit together; <see langword="null"/> when all does.</summary>
    internal string? Problem =>
        LeaseDuration < TimeSpan.FromSeconds(1) || LeaseDuration.Ticks % TimeSpan.TicksPerSecond != 0
            ? $"LeaseDuration: {LeaseDuration} is not a whole number of seconds"
            : RenewDeadline >= LeaseDuration
                ? $"RenewDeadline: {RenewDeadline} must be less than LeaseDuration, {LeaseDuration}"
                : RetryPeriod <= TimeSpan.Zero || RetryPeriod >= RenewDeadline
                    ? $"RetryPeriod: {RetryPeriod} must be positive and less than RenewDeadline, {RenewDeadline}"
                    : null;
}
