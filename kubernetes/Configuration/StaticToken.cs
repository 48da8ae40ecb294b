namespace OnCache.Kubernetes.Configuration;

/// <summary>A token that never changes.</summary>
/// <param name="token">The token.</param>
public sealed class StaticToken(string token) : ITokenSource
{
    /// <inheritdoc/>
    public ValueTask<string> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult(token);

    /// <inheritdoc/>
    public void Invalidate()
    {
        // There is no other.
    }
}
