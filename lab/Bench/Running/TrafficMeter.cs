using System.Globalization;
using OnCache.Lab.Bench.Results;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Bench.Running;

/// <summary>One slice of the lab's own traffic as figures.</summary>
internal static class TrafficMeter
{
    // Long enough for the TCP window to open and for a new flow to be learned.
    private const double WarmUpSeconds = 0.08;

    /// <summary>Room for a datagram's headers, the pod's 50 bytes of encapsulation included.</summary>
    private const int DatagramHeadroom = 100;

    /// <exception cref="LabException">The traffic broke.</exception>
    public static async Task<SliceResult> MeasureAsync(BenchPath path, Workload workload, double seconds, Cores cores)
    {
        var kind = KindOf(workload.Kind);
        var request = RequestOf(path, workload, cores) with { Seconds = seconds, WarmUpSeconds = WarmUpSeconds };
        var before = Retransmissions(path);
        var result = await ParallelTraffic.RunAsync(path.Client.Namespace, request, workload.Flows);
        var figures = new Dictionary<Figure, double>
        {
            [kind.IsStream() ? Figure.Throughput : Figure.Rate] = kind.IsStream() ? result.Gbps : result.Rate,
            [Figure.Cpu] = result.CpuMicrosecondsPerTransaction,
        };
        if (result.P50Microseconds is { } p50 && result.P99Microseconds is { } p99)
        {
            figures[Figure.P50] = p50;
            figures[Figure.P99] = p99;
        }

        if (result.Transactions > 0)
        {
            var (figure, count) = kind.IsDatagram() ? (Figure.Lost, result.Lost) : (Figure.Retransmitted, Retransmissions(path) - before);
            figures[figure] = count * 1e6 / result.Transactions;
        }

        return new SliceResult(result.Transactions, result.Transactions * (seconds + WarmUpSeconds) / seconds, figures);
    }

    /// <summary>What is sent along a path, for as long as whoever sends it wants.</summary>
    public static TrafficRequest RequestOf(BenchPath path, Workload workload, Cores cores) => new()
    {
        Kind = KindOf(workload.Kind),
        To = path.Address,
        Port = path.Traffic.Port,
        Seconds = 1,
        Core = cores.Client,
        ServerCore = workload.Setting.Placement == Placement.CrossCore ? cores.Server : null,
        Size = workload.Kind == WorkloadKind.UdpStream ? workload.Setting.Mtu - DatagramHeadroom : null,
    };

    /// <summary>Segments that a network namespace has sent again, from the text of <c>/proc/net/snmp</c>.</summary>
    internal static long ParseRetransmissions(string snmp)
    {
        var lines = snmp.Split('\n').Where(line => line.StartsWith("Tcp: ", StringComparison.Ordinal)).Select(line => line.Split(' ')).ToArray();
        return lines.Length == 2 && Array.IndexOf(lines[0], "RetransSegs") is var column and > 0
            ? long.Parse(lines[1][column], CultureInfo.InvariantCulture)
            : throw new LabException("/proc/net/snmp: no count of retransmitted segments");
    }

    /// <summary>Segments that both sides have sent again so far.</summary>
    internal static long Retransmissions(BenchPath path) =>
        new[] { path.Client, path.Server }.Sum(member => member.Run(() => ParseRetransmissions(File.ReadAllText("/proc/thread-self/net/snmp"))));

    private static TrafficKind KindOf(WorkloadKind kind) => kind switch
    {
        WorkloadKind.TcpRequestResponse => TrafficKind.TcpRequestResponse,
        WorkloadKind.UdpRequestResponse => TrafficKind.UdpRequestResponse,
        WorkloadKind.TcpConnectRequestResponse => TrafficKind.TcpConnectRequestResponse,
        WorkloadKind.TcpStream => TrafficKind.TcpStream,
        WorkloadKind.UdpStream => TrafficKind.UdpStream,
        _ => throw new LabException($"workload kind {kind} is not traffic of the lab"),
    };
}

/// <summary>What one slice gave.</summary>
/// <param name="Operations">In the measured time.</param>
/// <param name="OperationsWithWarmUp">An estimate: as if the warm-up had gone at the measured rate.</param>
internal sealed record SliceResult(long Operations, double OperationsWithWarmUp, IReadOnlyDictionary<Figure, double> Figures);

/// <summary>The cores that measured work is pinned to.</summary>
/// <param name="Server">For <see cref="Placement.CrossCore"/>; null where there is one core only.</param>
internal sealed record Cores(int Client, int? Server)
{
    /// <summary>The last core, as the first serves most interrupts; and the one before it.</summary>
    public static Cores OfThisMachine()
    {
        var last = Math.Min(Environment.ProcessorCount, 64) - 1;
        return new Cores(last, last > 0 ? last - 1 : null);
    }
}
