namespace OnCache.Kubernetes.Resilience;

/// <summary>The server's wish for when to come back.</summary>
internal static class RetryAfter
{
    /// <summary>The wish as a wait from <paramref name="now"/>, never negative; <see langword="null"/> without one.</summary>
    public static TimeSpan? Of(HttpResponseMessage response, DateTimeOffset now) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date > now ? date - now : TimeSpan.Zero,
        _ => null,
    };
}
