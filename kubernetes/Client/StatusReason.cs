namespace OnCache.Kubernetes.Client;

/// <summary>Why a request failed.</summary>
public enum StatusReason
{
    /// <summary>A reason this client has no word for; see the status.</summary>
    Unknown,

    /// <summary>No answer: connection refused, cut, not trusted, or too slow.</summary>
    Unreachable,

    /// <summary>The request makes no sense to the server.</summary>
    BadRequest,

    /// <summary>Who we are is not accepted.</summary>
    Unauthorized,

    /// <summary>What we ask is not allowed to us.</summary>
    Forbidden,

    /// <summary>No such object, or no such kind.</summary>
    NotFound,

    /// <summary>The name is taken.</summary>
    AlreadyExists,

    /// <summary>The object changed since it was read, a precondition does not hold, or a field has another manager.</summary>
    Conflict,

    /// <summary>The object, or the asked version, is no longer there.</summary>
    Gone,

    /// <summary>The resource version or the continue token is too old.</summary>
    Expired,

    /// <summary>The object breaks its schema or a rule; the causes name the fields.</summary>
    Invalid,

    /// <summary>Slow down.</summary>
    TooManyRequests,

    /// <summary>The server could not answer in time.</summary>
    Timeout,

    /// <summary>The server cannot serve now.</summary>
    ServiceUnavailable,

    /// <summary>The server failed.</summary>
    InternalError,
}
