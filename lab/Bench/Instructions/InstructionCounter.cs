using System.Globalization;
using System.Net;
using OnCache.Lab.Bench.Running;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Bench.Instructions;

/// <summary>Counts on a machine whose clock counts instructions: an emulated one that <c>eng/guest.sh --count</c> has booted.</summary>
/// <param name="agent">Path of oncache-agent.</param>
/// <param name="say">Gets a line for each path.</param>
internal sealed class InstructionCounter(string agent, Action<string> say)
{
    /// <summary>Names the exponent of two that is an instruction's time in nanoseconds; the emulator is started with the same.</summary>
    private const string ClockParameter = "oncache.icount_shift=";
    private const int Mtu = 1500;

    // Of the guest's time. What the runtime or an agent does now and then takes whole slices, which the median leaves out.
    private const double SliceSeconds = 0.008;
    private const double WarmUpSeconds = 0.1;
    private const int Slices = 25;

    // Nothing runs meanwhile, so that it costs no time: what was started has settled by then.
    private static readonly TimeSpan s_rest = TimeSpan.FromSeconds(20);

    /// <summary>None of the lab's own services; rules that translate it come after theirs.</summary>
    private static readonly IPAddress s_clusterIp = AddressPlan.Service(200);

    private static readonly (string Name, TrafficKind Kind)[] s_kinds =
    [
        ("tcp-rr", TrafficKind.TcpRequestResponse),
        ("udp-rr", TrafficKind.UdpRequestResponse),
        ("tcp-crr", TrafficKind.TcpConnectRequestResponse),
    ];

    private readonly double nanosecondsPerInstruction = Math.Pow(2, ShiftOf(File.ReadAllText("/proc/cmdline")));
    private readonly Dictionary<string, Dictionary<string, long>> counts = s_kinds.ToDictionary(kind => kind.Name, _ => new Dictionary<string, long>(StringComparer.Ordinal), StringComparer.Ordinal);

    /// <exception cref="LabException">The clock counts no instructions, or a path does not work.</exception>
    public async Task<InstructionCounts> CountAsync(CancellationToken cancellationToken)
    {
        OptionChecks.ExistingProgram("agent", agent);
        OverlayLab.RequireRoot();
        foreach (var paths in CountedPath.All.GroupBy(path => path.Recipe))
        {
            await using var lab = await BenchLab.UpAsync(paths.Key, Mtu, agent, cancellationToken);
            using var servers = new CountedServers();
            foreach (var path in paths)
            {
                await CountAsync(path, lab, servers, cancellationToken);
            }
        }

        return new InstructionCounts(
            InstructionCounts.CurrentSchema,
            (await File.ReadAllTextAsync("/proc/sys/kernel/osrelease", cancellationToken)).Trim(),
            Environment.Version.ToString(),
            counts.ToDictionary(kind => kind.Key, kind => (IReadOnlyDictionary<string, long>)kind.Value, StringComparer.Ordinal));
    }

    /// <exception cref="LabException">The kernel's command line does not say it.</exception>
    internal static int ShiftOf(string commandLine)
    {
        var word = commandLine.Split(' ', StringSplitOptions.TrimEntries).FirstOrDefault(word => word.StartsWith(ClockParameter, StringComparison.Ordinal));
        return word is not null && int.TryParse(word.AsSpan(ClockParameter.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var shift)
            ? shift
            : throw new LabException("this machine's clock does not count instructions: 'make bench-instructions' boots one whose clock does");
    }

    private async Task CountAsync(CountedPath path, BenchLab lab, CountedServers servers, CancellationToken cancellationToken)
    {
        var (near, far) = (lab.Overlay.Nodes[0], lab.Overlay.Nodes[1]);
        (LabMember client, LabMember server, IPAddress address) = path.To switch
        {
            CountedPeer.Node => ((LabMember)near, (LabMember)far, far.Address),
            CountedPeer.SameNode => (near.Pods[0], near.Pods[1], near.Pods[1].Address),
            _ => (near.Pods[0], far.Pods[0], far.Pods[0].Address),
        };
        var port = servers.PortAt(server, address);
        var to = address;
        if (path.To == CountedPeer.ClusterIp)
        {
            to = s_clusterIp;
            await TranslateAsync(near, to, address, cancellationToken);
        }

        if (path.Recipe.Accelerates && path.To == CountedPeer.Pod)
        {
            await lab.WarmUpAsync(() => Task.FromResult(Count(TrafficKind.TcpRequestResponse)), cancellationToken);
        }

        await Task.Delay(s_rest, cancellationToken);

        foreach (var (name, kind) in s_kinds)
        {
            counts[name].Add(path.Name, Count(kind));
        }

        say($"{path.Name}: {string.Join(", ", s_kinds.Select(kind => $"{kind.Name} {counts[kind.Name][path.Name]}"))}");

        long Count(TrafficKind kind)
        {
            var request = new TrafficRequest { Kind = kind, To = to, Port = port, Seconds = SliceSeconds, Core = 0 };
            var slices = InterleavedTraffic.Run([new TrafficSide(client.Namespace, request)], Slices, SliceSeconds, WarmUpSeconds)[0];
            return (long)(Statistics.Median(slices.Select(slice => slice.MicrosecondsPerTransaction)) * 1000 / nanosecondsPerInstruction);
        }
    }

    /// <summary>Every port of a Service's address leads to one pod, as kube-proxy's rules do it for one port.</summary>
    private static async Task TranslateAsync(LabNode node, IPAddress clusterIp, IPAddress pod, CancellationToken cancellationToken) =>
        (await node.RunCommandAsync(
            "iptables", ["-w", "-t", "nat", "-A", "PREROUTING", "-d", $"{clusterIp}/32", "-j", "DNAT", "--to-destination", $"{pod}"], cancellationToken)).EnsureSuccess();
}
