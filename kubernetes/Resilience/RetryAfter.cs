using System.Net.Http.Headers;

namespace OnCache.Kubernetes.Resilience;

/// <summary>The server's wish for when to come back.</summary>
internal static class RetryAfter
{
    /// <summary>The wish as a wait from <paramref name="now"/>, never negative; <see langword="null"/> without one.</summary>
    /// <param name="header">What the header says: seconds or a date.</param>
    /// <param name="now">The time.</param>
    public static TimeSpan? Of(string? header, DateTimeOffset now) => RetryConditionHeaderValue.TryParse(header, out var wish)
        ? wish switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date > now ? date - now : TimeSpan.Zero,
            _ => null,
        }
        : null;
}
