namespace OnCache.Kubernetes.Client;

/// <summary>The result of a server-side apply: either the object as it is now, or the fields others manage.</summary>
public abstract record ApplyResult<T>
{
    private ApplyResult()
    {
    }

    /// <summary>Applied.</summary>
    /// <param name="Entity">The object as the server holds it now.</param>
    public sealed record Applied(T Entity) : ApplyResult<T>;

    /// <summary>Nothing was changed, since other managers own fields with other values.</summary>
    /// <param name="Conflicts">The fields and their managers.</param>
    public sealed record Conflicted(IReadOnlyList<FieldConflict> Conflicts) : ApplyResult<T>;
}

/// <summary>A field that another manager owns.</summary>
/// <param name="Field">The field's path, such as <c>.spec.replicas</c>.</param>
/// <param name="Explanation">The server's words, which name the manager.</param>
public readonly record struct FieldConflict(string Field, string Explanation);
