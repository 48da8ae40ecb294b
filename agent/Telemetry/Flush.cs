using System.Text.Json.Serialization;

namespace OnCache.Agent.Telemetry;

/// <summary>What to flush: one endpoint or everything.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record FlushRequest
{
    /// <summary>Everything.</summary>
    public static FlushRequest Everything { get; } = new() { All = true };

    /// <summary><c>namespace/name</c> or the pod's address.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Whether every endpoint is meant.</summary>
    public bool All { get; init; }

    /// <summary>Whether exactly one of the two is given.</summary>
    [JsonIgnore]
    public bool IsValid => All == (Endpoint is null);

    /// <summary>One endpoint.</summary>
    public static FlushRequest Of(string endpoint) => new() { Endpoint = endpoint };
}

/// <summary>What a flush did.</summary>
/// <param name="Endpoints">How many endpoints it concerned; 0 when none has that name or address.</param>
/// <param name="DurationMicroseconds">How long until the next packet sees it, in microseconds.</param>
internal sealed record FlushOutcome(int Endpoints, double DurationMicroseconds);

/// <summary>Where the socket's flushes go.</summary>
internal interface IFlushTarget
{
    /// <summary>Flushes what is asked for; returns when it is in force.</summary>
    /// <exception cref="DatapathReplacedException">There is none at the moment.</exception>
    FlushOutcome Flush(FlushRequest request);
}
