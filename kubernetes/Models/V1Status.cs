namespace OnCache.Kubernetes.Models;

/// <summary>What the API server says about a failed request.</summary>
public sealed record V1Status
{
    /// <summary><c>Success</c> or <c>Failure</c>.</summary>
    public string? Status { get; init; }

    /// <summary>A sentence for people.</summary>
    public string? Message { get; init; }

    /// <summary>A word for programs.</summary>
    public string? Reason { get; init; }

    /// <summary>The HTTP status.</summary>
    public int? Code { get; init; }

    /// <summary>The object, the causes, and when to try again.</summary>
    public V1StatusDetails? Details { get; init; }
}

/// <summary>More on a failure.</summary>
public sealed record V1StatusDetails
{
    /// <summary>The object's name.</summary>
    public string? Name { get; init; }

    /// <summary>The object's group.</summary>
    public string? Group { get; init; }

    /// <summary>The object's kind or resource.</summary>
    public string? Kind { get; init; }

    /// <summary>Each field or condition that led to the failure.</summary>
    public IReadOnlyList<V1StatusCause> Causes { get; init; } = [];

    /// <summary>Seconds to wait before another try.</summary>
    public int? RetryAfterSeconds { get; init; }
}

/// <summary>One reason of a failure.</summary>
public sealed record V1StatusCause
{
    /// <summary>A word for programs, such as <c>FieldValueInvalid</c>.</summary>
    public string? Reason { get; init; }

    /// <summary>A sentence for people.</summary>
    public string? Message { get; init; }

    /// <summary>The field, as a path such as <c>spec.ports[0].name</c>.</summary>
    public string? Field { get; init; }
}
