using System.Net;

namespace OnCache.Lab.Traffic;

/// <summary>One run of traffic.</summary>
public sealed record TrafficRequest
{
    /// <summary>A datagram carries its 8-byte sequence number.</summary>
    public const int MinDatagram = 8;
    public const int MaxDatagram = 65507;
    public const int MaxSegment = 1024 * 1024;
    public const double MaxSeconds = 3600;
    public const int MaxRate = 1000;

    public required TrafficKind Kind { get; init; }

    public required IPAddress To { get; init; }

    /// <summary>The server's control port.</summary>
    public required int Port { get; init; }

    /// <summary>Measured time; the warm-up comes before it.</summary>
    public required double Seconds { get; init; }

    /// <summary>Runs first and is not measured: slow start, caches, learning.</summary>
    public double WarmUpSeconds { get; init; } = 0.1;

    /// <summary>The core on which both sides run; null leaves it to the scheduler and reports no busy time.</summary>
    public int? Core { get; init; }

    /// <summary>Another core for the server; null for that of the client.</summary>
    public int? ServerCore { get; init; }

    /// <summary>The cores that the run keeps to; none when the scheduler decides.</summary>
    internal IReadOnlyList<int> Cores => Core is not { } own ? [] : ServerCore is { } other && other != own ? [own, other] : [own];

    /// <summary>Payload bytes of one message; the kind's default when null.</summary>
    public int? Size { get; init; }

    /// <summary>Exchanges a second at most, on one flow; null for as many as go.</summary>
    public int? Rate { get; init; }

    public int MessageSize => Size ?? Kind.DefaultSize();

    /// <exception cref="LabOptionException">A value is out of bounds.</exception>
    public void Validate()
    {
        OptionChecks.Within("port", Port, 1, 65535);

        if (!(Seconds > 0 && Seconds <= MaxSeconds))
        {
            throw new LabOptionException("seconds", Seconds, $"above 0 and at most {MaxSeconds}");
        }

        if (!(WarmUpSeconds >= 0 && WarmUpSeconds <= MaxSeconds))
        {
            throw new LabOptionException("warm-up", WarmUpSeconds, $"in 0..{MaxSeconds}");
        }

        ValidateCore("core", Core);
        ValidateCore("server core", ServerCore);
        if (Core is null && ServerCore is not null)
        {
            throw new LabOptionException("server core", ServerCore, "possible without a core for the client");
        }

        if (Rate is not null and (< 1 or > MaxRate))
        {
            throw new LabOptionException("rate", Rate, $"in 1..{MaxRate}");
        }

        if (Rate is not null && Kind is not (TrafficKind.TcpRequestResponse or TrafficKind.UdpRequestResponse))
        {
            throw new LabOptionException("rate", Rate, "possible for this kind: only tcp-rr and udp-rr keep one");
        }

        var (least, most) = Kind.IsDatagram() ? (MinDatagram, MaxDatagram) : (1, MaxSegment);
        if (MessageSize < least || MessageSize > most)
        {
            throw new LabOptionException("size", MessageSize, $"in {least}..{most}");
        }
    }

    private static void ValidateCore(string field, int? core)
    {
        if (core is not null && (core < 0 || core >= Environment.ProcessorCount || core >= 64))
        {
            throw new LabOptionException(field, core, $"in 0..{Math.Min(Environment.ProcessorCount, 64) - 1}");
        }
    }
}
