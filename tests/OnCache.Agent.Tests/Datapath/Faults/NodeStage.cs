using System.Diagnostics;
using OnCache.Agent.Bpf;
using OnCache.Agent.Cli;
using OnCache.Agent.Coherence;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Tests.Bpf;
using OnCache.Agent.Tests.Net;
using OnCache.Agent.Topology;
using OnCache.Api;

namespace OnCache.Agent.Tests.Datapath.Faults;

/// <summary>
/// A node with a NIC, a pod and a second device for one more, on which agents come and go; somebody else's program sits on
/// every hook.
/// </summary>
internal sealed class NodeStage : IDisposable
{
    public const int Nic = 301;
    public const int Pod = 311;
    public const int SecondPod = 321;

    private static readonly Ipv4Address s_node = Ipv4Address.Parse("192.0.2.1");
    private static readonly Ipv4Address s_remote = Ipv4Address.Parse("192.0.2.2");
    private static readonly Ipv4Address s_pod = Ipv4Address.Parse("10.244.1.2");
    private static readonly Ipv4Address s_secondPod = Ipv4Address.Parse("10.244.1.3");
    private static readonly MacAddress s_mac = MacAddress.Parse("02:00:00:00:00:01");

    private readonly BpfFileSystem _file = new();
    private readonly TestNamespace _namespace = null!;
    private readonly ForeignProgram _foreign = null!;
    private readonly List<FileDescriptor> _foreignLinks = [];
    private readonly bool _tcx;

    public NodeStage(bool tcx)
    {
        _tcx = tcx;
        try
        {
            var capabilities = LoadedPrograms.RequireKernel();
            Assert.SkipUnless(!tcx || capabilities.Tcx, "needs a kernel with tcx (6.6)");
            _namespace = TestNamespace.Create();
            foreach (var (device, name) in ((int, string)[])[(Nic, "nic"), (Pod, "pod"), (SecondPod, "second")])
            {
                _namespace.Ip($"link add {name} index {device} type veth peer name {name}-peer index {device + 1}");
            }

            _foreign = new ForeignProgram();
            if (capabilities.Tcx)
            {
                _namespace.Run(AttachForeign);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public PinDirectory Pins => LoadedPrograms.Pins(_file);

    /// <summary>What is in force until something changes.</summary>
    public static NodePlan Plan { get; } = PlanOf("198.51.100.1", [Endpoint(s_pod, "first", Pod)]);

    /// <summary>Another pod has the address, one has come, the way to the remote node has changed.</summary>
    public static NodePlan ChangedPlan { get; } = PlanOf(
        "198.51.100.2", [Endpoint(s_pod, "second", Pod), Endpoint(s_secondPod, "third", SecondPod)]);

    /// <summary>The same, for this stage, with an exclusion that voids everything.</summary>
    public static NodeCacheConfigSpec ChangedSpec { get; } = new()
    {
        Exclusions = new Exclusions { Ports = [new PortExclusion { Protocol = TransportProtocol.Tcp, Port = 5432 }] },
    };

    public static NodeCacheConfigSpec Spec { get; } = new();

    public T Run<T>(Func<T> function) => _namespace.Run(function);

    /// <summary>An agent begins its life: what the daemon does before its loop turns.</summary>
    public AgentLife Start(IKernelSteps steps, DatapathSizes sizes) => _namespace.Run(() =>
    {
        Pins.Create();
        var datapath = LoadedDatapath.Load(Pins, sizes, LoadedPrograms.RequireKernel(), _tcx, steps);
        try
        {
            return Begin(datapath, steps);
        }
        catch
        {
            datapath.Dispose();
            throw;
        }
    });

    /// <summary>An agent's datapath takes its places again, after another one has not got them all.</summary>
    public AgentLife Resume(LoadedDatapath datapath) => _namespace.Run(() => Begin(datapath, KernelSteps.Direct));

    private AgentLife Begin(LoadedDatapath datapath, IKernelSteps steps)
    {
        datapath.Commit();
        IProgramAttacher attacher = _tcx
            ? new TcxAttacher(Pins.Links, steps)
            : new ClsactAttacher(50_000, static () => [Nic, Pod, SecondPod], steps);
        var life = new AgentLife(this, datapath, new DatapathController(datapath, attacher, new AgentSettings(), static (_, _) => { }));
        life.Turn(Plan, Spec);
        life.Finish();
        return life;
    }

    public void Uninstall() => _namespace.Run(() => Uninstaller.Run(Pins, new ConntrackSysctl(_file.Root)));

    public IReadOnlyList<AttachedProgram> Attached() => _namespace.Run(AttachedProgram.All);

    /// <summary>The ids of the maps of each folder of pins.</summary>
    public IReadOnlyDictionary<string, IReadOnlyCollection<uint>> PinnedMapIds() =>
        Pins.MapFolders().ToDictionary(
            static folder => folder,
            static folder => (IReadOnlyCollection<uint>)Directory.EnumerateFiles(folder).Select(IdOf).ToHashSet(),
            StringComparer.Ordinal);

    public void Dispose()
    {
        _foreignLinks.ForEach(static link => link.Dispose());
        _foreign?.Dispose();
        _namespace?.Dispose();
        _file.Dispose();
    }

    public static FlowKey Flow { get; } = new() { LocalIp = SlotIndex.ToNetwork(s_pod), RemoteIp = 1, Protocol = 17 };

    public static Ipv4Address PodAddress => s_pod;

    public static Ipv4Address RemoteNode => s_remote;

    private static unsafe uint IdOf(string path)
    {
        using var map = new FileDescriptor(BpfException.Check(Interop.Libbpf.bpf_obj_get(path), $"open {path}"));
        Interop.Libbpf.bpf_map_info info = default;
        var length = (uint)sizeof(Interop.Libbpf.bpf_map_info);
        BpfException.Check(Interop.Libbpf.bpf_obj_get_info_by_fd(map.Value, &info, ref length), "read map information");
        return info.id;
    }

    private unsafe void AttachForeign()
    {
        foreach (var device in (int[])[Nic, Pod, SecondPod])
        {
            foreach (var direction in Enum.GetValues<TcDirection>())
            {
                _foreignLinks.Add(new FileDescriptor(BpfException.Check(
                    Interop.Libbpf.bpf_link_create(_foreign.Descriptor, device, TcxAttacher.AttachType(direction), null), "attach")));
            }
        }
    }

    private static NodePlan PlanOf(string nextHop, IReadOnlyList<EndpointSpec> endpoints) => SamplePlan.Of(
        new SampleTunnel(s_node, s_mac, Vni: 1, new PortRange(32768, 61000)),
        new UnderlayNic(Nic, "nic", s_mac, 1500),
        endpoints,
        new NodeSpec(s_remote, Nic, 1450, HeaderTemplate.Vxlan(new VxlanPath(
            s_mac, s_mac, s_node, Ipv4Address.Parse(nextHop), 64, 0, DontFragment: false, 8472, 1, s_mac, s_mac))));

    private static EndpointSpec Endpoint(Ipv4Address address, string uid, int device) => new(
        address, uid, device, s_mac, s_mac, 1450, EndpointMode.Accelerate, ProtocolBits.All, EndpointFlags.None);

    /// <summary>One agent, from its start to its end.</summary>
    internal sealed class AgentLife(NodeStage stage, LoadedDatapath datapath, DatapathController controller) : IDisposable
    {
        public LoadedDatapath Datapath => datapath;

        /// <summary>A pod or a setting has changed, and the loop turns once.</summary>
        public void Change() => stage._namespace.Run(() => Turn(ChangedPlan, ChangedSpec));

        public void Turn(NodePlan plan, NodeCacheConfigSpec spec)
        {
            controller.Apply(plan, before: null, voided: [], spec, ProtocolBits.All, SamplePlan.Timeouts, Now);
            controller.RenewHeartbeat(TimeSpan.FromSeconds(1));
        }

        public void Finish()
        {
            controller.DetachLeftOvers();
            datapath.RemoveOtherMaps();
        }

        public void Flush() => controller.Flush(
            FlushPlan.Everything(FlushCause.Request, "all", settle: true), TimeSpan.FromSeconds(1), Now);

        private static FlushTiming Now => new(Stopwatch.GetTimestamp());

        public bool Refused(int device) => controller.AttachFailures.ContainsKey(device);

        /// <summary>A verdict that every program would use now.</summary>
        public void Cache()
        {
            var maps = datapath.Maps;
            var pod = controller.Endpoints.SlotOf(s_pod).ShouldNotBeNull();
            maps.NodeIndex.TryGet(SlotIndex.ToNetwork(s_remote), out var node).ShouldBeTrue();
            var now = MonotonicClock.Now();
            maps.FilterCache.Set(Flow, new FilterEntry
            {
                EgressLease = now + 600_000_000_000,
                IngressLease = now + 600_000_000_000,
                Touched = now,
                Epoch = maps.Config[0].Epoch,
                EndpointEpoch = maps.IngressCache[pod].Epoch,
                NodeEpoch = maps.EgressCache[node].Epoch,
                Endpoint = (ushort)pod,
                Node = (ushort)node,
            });
        }

        public ulong Deadline => datapath.Maps.Config[0].HeartbeatDeadline;

        public void Dispose() => datapath.Dispose();
    }
}
