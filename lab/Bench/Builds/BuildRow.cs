using OnCache.Lab.Bench.Suites;

namespace OnCache.Lab.Bench.Builds;

/// <summary>One thing that both builds are measured at.</summary>
/// <param name="Workload">Its name is the row's.</param>
/// <param name="Variant">What the agents of both builds are told.</param>
public sealed record BuildRow(Workload Workload, Variant Variant)
{
    public static IReadOnlyList<BuildRow> All { get; } =
    [
        Of("tcp-rr", WorkloadKind.TcpRequestResponse, Variant.OnCache),
        Of("udp-rr", WorkloadKind.UdpRequestResponse, Variant.OnCache),
        Of("tcp-crr", WorkloadKind.TcpConnectRequestResponse, Variant.OnCache),
        Of("tcp-crr-proven", WorkloadKind.TcpConnectRequestResponse, Variant.OnCacheShortcut),
        Of("tcp-stream", WorkloadKind.TcpStream, Variant.OnCache),
        Of("udp-stream", WorkloadKind.UdpStream, Variant.OnCache),
        Of("tcp-rr-excluded", WorkloadKind.TcpRequestResponse, Variant.OnCacheExcluded),
    ];

    // A stream's slice ends with an empty path, which costs a part of it.
    private const double StreamSliceSeconds = 0.02;

    public string Name => Workload.Name;

    /// <summary>Whether nearly all packets take the fast path; the first of each connection that has to be learned do not.</summary>
    internal bool IsFast => Variant.Recipe.Accelerates && (Workload.Kind != WorkloadKind.TcpConnectRequestResponse || Variant.Name == Suites.Variant.OnCacheShortcut);

    internal double SliceSeconds => Workload.Kind is WorkloadKind.TcpStream or WorkloadKind.UdpStream ? StreamSliceSeconds : BuildsOptions.UsualSliceSeconds;

    private static BuildRow Of(string name, WorkloadKind kind, string variant) =>
        new(new Workload(name, kind, Setting.Usual), Variant.All.Single(candidate => candidate.Name == variant));
}
