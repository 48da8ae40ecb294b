namespace OnCache.Lab.Bench.Suites;

/// <summary>A named choice of workloads.</summary>
/// <param name="Rounds">How often each is measured on each variant.</param>
/// <param name="SliceSeconds">How long each time, the warm-up not counted.</param>
/// <param name="Workloads">In the order in which they run within a round.</param>
public sealed record Suite(string Name, int Rounds, double SliceSeconds, IReadOnlyList<Workload> Workloads)
{
    private const int Jumbo = 9000;
    private static readonly int[] FlowCounts = [1, 2, 4];
    private static readonly Setting CrossCore = Setting.Usual with { Placement = Placement.CrossCore };
    private static readonly Setting NoOffloads = Setting.Usual with { Offloads = false };
    private static readonly Setting JumboFrames = Setting.Usual with { Mtu = Jumbo };

    /// <summary>A look at everything that has to work, in less than two minutes: a smoke test, not a measurement.</summary>
    public static Suite Quick { get; } = new("quick", 2, 0.1, [.. Exchanges(Setting.Usual), .. Streams(Setting.Usual, 1), .. Streams(NoOffloads, 1).Take(1), .. Applications().Take(1)]);

    /// <summary>What the published tables are made of.</summary>
    public static Suite Standard { get; } = new(
        "standard",
        6,
        0.35,
        [
            .. Exchanges(Setting.Usual), .. Streams(Setting.Usual, FlowCounts),
            .. Exchanges(CrossCore), .. Streams(CrossCore, 1),
            .. Streams(NoOffloads, 1, 4),
            .. Streams(JumboFrames, 1, 4),
            .. Streams(JumboFrames with { Offloads = false }, 1),
            .. Applications(),
        ]);

    /// <summary>Every workload under every combination of circumstances.</summary>
    public static Suite Full { get; } = new("full", 10, 0.5, [.. EverySetting().SelectMany(setting => Exchanges(setting).Concat(Streams(setting, FlowCounts))), .. Applications()]);

    public static IReadOnlyList<Suite> All { get; } = [Quick, Standard, Full];

    /// <summary>The names of the workloads, each once.</summary>
    public IReadOnlyList<string> Names => [.. Workloads.Select(workload => workload.Name).Distinct(StringComparer.Ordinal)];

    /// <summary>The name, as help and messages show it.</summary>
    public override string ToString() => Name;

    private static IEnumerable<Setting> EverySetting() =>
        from mtu in (int[])[Setting.Usual.Mtu, Jumbo]
        from offloads in (bool[])[true, false]
        from placement in Enum.GetValues<Placement>()
        select new Setting(mtu, offloads, placement);

    private static IEnumerable<Workload> Exchanges(Setting setting) =>
    [
        new("tcp-rr", WorkloadKind.TcpRequestResponse, setting),
        new("udp-rr", WorkloadKind.UdpRequestResponse, setting),
        new("tcp-crr", WorkloadKind.TcpConnectRequestResponse, setting),
    ];

    private static IEnumerable<Workload> Applications() =>
    [
        new("http-1k", WorkloadKind.Http, Setting.Usual) { Flows = 8, Bytes = 1024 },
        new("http-16k", WorkloadKind.Http, Setting.Usual) { Flows = 8, Bytes = 16 * 1024 },
        new("memcached", WorkloadKind.Memcached, Setting.Usual) { Flows = 8, Bytes = 100 },
        new("pgbench", WorkloadKind.Postgres, Setting.Usual) { Flows = 8 },
    ];

    private static IEnumerable<Workload> Streams(Setting setting, params int[] flows) =>
    [
        .. flows.Select(count => new Workload(NameOf("tcp-stream", count), WorkloadKind.TcpStream, setting) { Flows = count }),
        .. flows.Select(count => new Workload(NameOf("udp-stream", count), WorkloadKind.UdpStream, setting) { Flows = count }),
    ];

    private static string NameOf(string stream, int flows) => FormattableString.Invariant($"{stream}-{flows}");
}
