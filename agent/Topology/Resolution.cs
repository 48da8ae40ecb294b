using System.Diagnostics.CodeAnalysis;

using OnCache.Agent.Net;

namespace OnCache.Agent.Topology;

/// <summary>A value, or why there is none.</summary>
/// <typeparam name="T">What was looked for.</typeparam>
/// <typeparam name="TReason">An enumeration of reasons.</typeparam>
internal sealed record Resolution<T, TReason>
    where T : class
    where TReason : struct, Enum
{
    private Resolution(T? value, Refusal<TReason>? refusal)
    {
        Value = value;
        Refusal = refusal;
    }

    /// <summary>Set exactly when <see cref="Refusal"/> is not.</summary>
    public T? Value { get; }

    /// <summary>Set exactly when <see cref="Value"/> is not.</summary>
    public Refusal<TReason>? Refusal { get; }

    /// <summary>Tells the two cases apart.</summary>
    public bool TryGet([NotNullWhen(true)] out T? value, [NotNullWhen(false)] out Refusal<TReason>? refusal)
    {
        value = Value;
        refusal = Refusal;
        return value is not null;
    }

    public static implicit operator Resolution<T, TReason>(T value) => new(value, null);

    public static implicit operator Resolution<T, TReason>(Refusal<TReason> refusal) => new(null, refusal);
}

/// <summary>Why something stays on the CNI's own path.</summary>
/// <param name="Reason">The case.</param>
/// <param name="Message">One line: the device or address, the value found and what would be right.</param>
/// <param name="Probe">A neighbour whose resolution may change the answer; null when asking would not help.</param>
internal sealed record Refusal<TReason>(TReason Reason, string Message, NeighbourProbe? Probe = null)
    where TReason : struct, Enum;

/// <summary>A neighbour for the kernel to resolve.</summary>
internal sealed record NeighbourProbe(int IfIndex, Ipv4Address Address);
