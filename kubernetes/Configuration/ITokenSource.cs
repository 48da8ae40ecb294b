namespace OnCache.Kubernetes.Configuration;

/// <summary>Where bearer tokens come from.</summary>
public interface ITokenSource
{
    /// <summary>The token to send now.</summary>
    ValueTask<string> GetAsync(CancellationToken cancellationToken);

    /// <summary>Called when the server refused the token, so that the next one is read anew.</summary>
    void Invalidate();
}
