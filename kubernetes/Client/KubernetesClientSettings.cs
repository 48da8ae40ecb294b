namespace OnCache.Kubernetes.Client;

/// <summary>How the client behaves.</summary>
/// <param name="FieldManager">The name under which fields are owned in server-side apply and recorded in <c>managedFields</c>.</param>
public sealed record KubernetesClientSettings(string FieldManager)
{
    /// <summary>What one request may take, on the server and, with a little more, here.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// After this silence on an HTTP/2 connection the server is asked for a sign of life. At least a second. With
    /// <see cref="PingTimeout"/> it bounds how long a dead peer goes unnoticed while nothing happens.
    /// </summary>
    public TimeSpan PingDelay { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>What the sign of life may take. At least a second.</summary>
    public TimeSpan PingTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Further tries of a call that may be repeated.</summary>
    public int Retries { get; init; } = 4;

    /// <summary>The wait before the first further try; it doubles with each.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest wait between tries, also when the server asks for a longer one: the call fails then and says so.</summary>
    public TimeSpan MaximumRetryDelay { get; init; } = TimeSpan.FromSeconds(10);
}
