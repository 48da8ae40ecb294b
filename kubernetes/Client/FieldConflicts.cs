namespace OnCache.Kubernetes.Client;

/// <summary>Tells conflicts about field ownership from conflicts about versions: both come as 409.</summary>
internal static class FieldConflicts
{
    private const string CauseReason = "FieldManagerConflict";

    public static IReadOnlyList<FieldConflict> In(KubernetesException exception) =>
        exception.Reason != StatusReason.Conflict
            ? []
            : [.. exception.Causes
                .Where(cause => cause.Reason == CauseReason)
                .Select(cause => new FieldConflict(cause.Field ?? string.Empty, cause.Message ?? string.Empty))];
}
