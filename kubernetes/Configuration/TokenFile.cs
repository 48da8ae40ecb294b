using OnCache.Kubernetes.Client;

namespace OnCache.Kubernetes.Configuration;

/// <summary>
/// A token in a file that is replaced from time to time, as the kubelet does with service account tokens. It is read again after a
/// minute, long before the old one ends, and at once when the server refuses it.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="time">Tells when to read again.</param>
public sealed class TokenFile(string path, TimeProvider time) : ITokenSource
{
    private static readonly TimeSpan Freshness = TimeSpan.FromMinutes(1);

    private volatile Reading? _last;

    /// <inheritdoc/>
    public async ValueTask<string> GetAsync(CancellationToken cancellationToken)
    {
        if (_last is { } last && time.GetElapsedTime(last.At) < Freshness)
        {
            return last.Token;
        }

        try
        {
            var token = (await File.ReadAllTextAsync(path, cancellationToken)).Trim();
            if (token.Length > 0)
            {
                _last = new Reading(token, time.GetTimestamp());
                return token;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A file that is being replaced can be missing for a moment; the token in hand is good until the server says otherwise.
            return _last?.Token
                ?? throw new KubernetesException(StatusReason.Unauthorized, $"token file {path}: {exception.Message}", exception);
        }

        return _last?.Token ?? throw new KubernetesException(StatusReason.Unauthorized, $"token file {path}: it is empty");
    }

    /// <inheritdoc/>
    public void Invalidate()
    {
        if (_last is { } last)
        {
            _last = last with { At = time.GetTimestamp() - (long)(Freshness.TotalSeconds * time.TimestampFrequency) };
        }
    }

    private sealed record Reading(string Token, long At);
}
