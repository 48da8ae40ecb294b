namespace OnCache.Lab.Bench.Results;

/// <summary>One quantity that a slice gives.</summary>
/// <param name="MoreIsBetter">The direction of an improvement.</param>
/// <param name="Compared">Whether ratios to the baselines mean something.</param>
public sealed record Figure(string Name, string Unit, bool MoreIsBetter, bool Compared = true)
{
    /// <summary>Operations a second: exchanges, datagrams, KiB of a TCP stream.</summary>
    public static Figure Rate { get; } = new("rate", "op/s", MoreIsBetter: true);

    public static Figure Throughput { get; } = new("throughput", "Gb/s", MoreIsBetter: true);

    public static Figure P50 { get; } = new("p50", "us", MoreIsBetter: false);

    public static Figure P99 { get; } = new("p99", "us", MoreIsBetter: false);

    /// <summary>Busy time of the cores that the work is pinned to.</summary>
    public static Figure Cpu { get; } = new("cpu", "us/op", MoreIsBetter: false);

    /// <summary>Time of an operation on a core that does nothing else, median of many short slices.</summary>
    public static Figure Time { get; } = new("time", "us/op", MoreIsBetter: false);

    public static Figure Lost { get; } = new("lost", "per million op", MoreIsBetter: false, Compared: false);

    public static Figure Retransmitted { get; } = new("retransmitted", "per million op", MoreIsBetter: false, Compared: false);

    /// <summary>Packets of pods that passed the FORWARD hook, both nodes together.</summary>
    public static Figure Forwarded { get; } = new("forwarded", "packets/op", MoreIsBetter: false, Compared: false);

    /// <summary>Packets on the fast path of those that could have been, both nodes together.</summary>
    public static Figure HitRatio { get; } = new("hit-ratio", "share", MoreIsBetter: true, Compared: false);

    /// <summary>Time of one run of an eBPF program, both nodes together.</summary>
    public static Figure ProgramTime(string program) => new($"ns/{program}", "ns/run", MoreIsBetter: false, Compared: false);
}
