using k8s.Models;

namespace OnCache.Kubernetes.Client;

/// <summary>A request to the API server that did not succeed.</summary>
public sealed class KubernetesException : Exception
{
    /// <summary>A failure without an answer of the server.</summary>
    public KubernetesException(StatusReason reason, string message, Exception? innerException = null)
        : base(message, innerException) => Reason = reason;

    /// <summary>A failure the server explained.</summary>
    /// <param name="status">The server's explanation.</param>
    /// <param name="message">What was asked and what the server said, in one line.</param>
    /// <param name="retryAfter">When the server asks to try again.</param>
    public KubernetesException(V1Status status, string message, TimeSpan? retryAfter = null)
        : base(message)
    {
        Status = status;
        Reason = ReasonOf(status);
        RetryAfter = retryAfter ?? (status.Details?.RetryAfterSeconds is { } seconds and > 0 ? TimeSpan.FromSeconds(seconds) : null);
    }

    /// <summary>Why.</summary>
    public StatusReason Reason { get; }

    /// <summary>The server's explanation, if it answered.</summary>
    public V1Status? Status { get; }

    /// <summary>When the server asks to try again, if it does.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>Whether the server said that it did nothing, so that even a creation may be sent again.</summary>
    internal bool DidNotAct { get; init; }

    /// <summary>The fields and conditions the server objects to.</summary>
    public IReadOnlyList<V1StatusCause> Causes => [.. Status?.Details?.Causes ?? []];

    /// <summary>Whether a resource version or continue token is too old, so that only a new list helps.</summary>
    public bool IsExpired => Reason is StatusReason.Expired or StatusReason.Gone;

    private static StatusReason ReasonOf(V1Status status) => status.Reason switch
    {
        "BadRequest" or "MethodNotAllowed" or "NotAcceptable" => StatusReason.BadRequest,
        "UnsupportedMediaType" or "RequestEntityTooLarge" => StatusReason.BadRequest,
        "Unauthorized" => StatusReason.Unauthorized,
        "Forbidden" => StatusReason.Forbidden,
        "NotFound" => StatusReason.NotFound,
        "AlreadyExists" => StatusReason.AlreadyExists,
        "Conflict" => StatusReason.Conflict,
        "Gone" => StatusReason.Gone,
        "Expired" => StatusReason.Expired,
        "Invalid" => StatusReason.Invalid,
        "TooManyRequests" => StatusReason.TooManyRequests,
        "Timeout" or "ServerTimeout" => StatusReason.Timeout,
        "ServiceUnavailable" => StatusReason.ServiceUnavailable,
        "InternalError" => StatusReason.InternalError,
        _ => ReasonOf(status.Code ?? 0),
    };

    // A proxy in front of the API server answers without a word for programs.
    private static StatusReason ReasonOf(int code) => code switch
    {
        400 or 405 or 406 or 413 or 415 => StatusReason.BadRequest,
        401 => StatusReason.Unauthorized,
        403 => StatusReason.Forbidden,
        404 => StatusReason.NotFound,
        409 => StatusReason.Conflict,
        410 => StatusReason.Gone,
        422 => StatusReason.Invalid,
        429 => StatusReason.TooManyRequests,
        500 => StatusReason.InternalError,
        502 or 503 => StatusReason.ServiceUnavailable,
        504 => StatusReason.Timeout,
        _ => StatusReason.Unknown,
    };
}
