using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd.Fixture;

/// <summary>All that an agent could change on a node, one line each: programs on devices, pins, the conntrack setting.</summary>
internal static unsafe class Footprint
{
    private const int MostPrograms = 64;

    public static IReadOnlyList<string> Of(LabNode node) =>
    [
        .. node.Run(static () => Programs().Order(StringComparer.Ordinal).ToArray()),
        .. Pins(node),
        $"liberal {Liberal(node)}",
    ];

    public static IReadOnlyList<string> Pins(LabNode node) =>
    [
        .. Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(node.BpfRoot)!, "*", SearchOption.AllDirectories)
            .Where(path => path.StartsWith($"{node.BpfRoot}/", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
    ];

    public static string Liberal(LabNode node) => node.Run(static () => File.ReadAllText(LiberalPath).Trim());

    public static void SetLiberal(LabNode node, string value) => node.Run(() => File.WriteAllText(LiberalPath, value));

    /// <summary>The names of the programs on one tcx hook, in their order.</summary>
    public static IReadOnlyList<string> Tcx(LabNode node, string device, TcDirection direction) =>
        node.Run(() => Tcx(IfIndex(device), direction).Select(static id => BpfProgramInfo.OfId(id)?.Name ?? "gone").ToArray());

    /// <summary>In the calling thread's network namespace.</summary>
    public static int IfIndex(string device) => NetworkSnapshotReader.Read().LinkByName(device)!.IfIndex;

    private static string LiberalPath => "/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal";

    /// <summary>All programs on devices of the calling thread's network namespace.</summary>
    public static IEnumerable<string> Programs()
    {
        var snapshot = NetworkSnapshotReader.Read();
        foreach (var link in snapshot.Links.Values)
        {
            foreach (var direction in Enum.GetValues<TcDirection>())
            {
                foreach (var id in Tcx(link.IfIndex, direction))
                {
                    yield return $"{link.Name} {direction} tcx program {id} {BpfProgramInfo.OfId(id)?.Name}";
                }
            }

            foreach (var filter in snapshot.Filters.GetValueOrDefault(link.IfIndex, []))
            {
                yield return $"{link.Name} {filter.Direction} filter {filter.Kind} {filter.Priority} {filter.BpfName}";
            }
        }
    }

    /// <summary>The ids of the programs on one tcx hook of the calling thread's network namespace, in their order.</summary>
    public static uint[] Tcx(int ifIndex, TcDirection direction)
    {
        var programs = stackalloc uint[MostPrograms];
        uint count = MostPrograms, flags = 0;
        BpfException.Check(
            NativeBpf.bpf_prog_query(ifIndex, TcxAttacher.AttachType(direction), 0, &flags, programs, &count),
            $"ask who is attached to device index {ifIndex}");
        return new Span<uint>(programs, (int)count).ToArray();
    }
}
