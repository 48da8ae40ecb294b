using System.Buffers.Binary;
using System.Runtime.InteropServices;

using OnCache.Agent.Bpf;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Tests.Bpf;
using OnCache.Agent.Tests.Datapath.Packets;
using OnCache.Agent.Tests.Net;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>
/// The programs and maps in the kernel, with devices to stand on: a network namespace with the host-side veths of two
/// pods and a veth as the NIC. Made at the first use, so that a test can skip.
/// </summary>
public sealed class Stage : IDisposable
{
    internal const uint MissBit = 0x1000_0000;

    /// <summary>Somebody else's bits of the mark, which must come through.</summary>
    internal const uint ForeignMark = 0x0000_4001;

    internal const uint Epoch = 7;
    internal const uint EndpointEpoch = 5;
    internal const uint NodeEpoch = 3;

    internal const uint PodSlot = 1;
    internal const uint OtherPodSlot = 2;
    internal const uint RemoteNodeSlot = 1;
    internal const uint OtherNodeSlot = 2;

    private static readonly Dictionary<string, int> s_devices = new(StringComparer.Ordinal)
    {
        ["pod"] = 101,
        ["other-pod"] = 103,
        ["nic"] = 105,
    };

    private readonly Lazy<Parts> _parts;
    private readonly Dictionary<string, TrafficClassIndex> _farEnds = new(StringComparer.Ordinal);

    public Stage()
        : this(static kernel => kernel)
    {
    }

    /// <param name="kernel">Makes the kernel another one than it is.</param>
    /// <param name="steps">Straight to the kernel when left out.</param>
    internal Stage(Func<KernelCapabilities, KernelCapabilities> kernel, IKernelSteps? steps = null) => _parts = new(() => Parts.Create(kernel, steps));

    internal LoadedDatapath Datapath => _parts.Value.Datapath;

    internal DatapathMaps Maps => Datapath.Maps;

    internal TestNamespace Namespace => _parts.Value.Namespace;

    internal Conntrack Conntrack => new(Namespace);

    internal static int IfIndex(string device) => s_devices[device];

    /// <summary>A program's name from that of the fixtures.</summary>
    internal static string FullName(string program) => ProgramNames.Prefix + program;

    public void Dispose()
    {
        foreach (var farEnd in _farEnds.Values)
        {
            farEnd.Dispose();
        }

        if (_parts.IsValueCreated)
        {
            _parts.Value.Dispose();
        }
    }

    internal ProgramOutcome Run(string program, byte[] packet, PacketContext context)
    {
        var fd = Datapath.ProgramFd(program);
        return Namespace.Run(() => ProgramRun.Once(fd, packet, context));
    }

    /// <summary>Runs a program at the far end of the CNI's path.</summary>
    /// <param name="cameAs">What the packet was at its near end, from its IPv4 header on; null where nobody knows.</param>
    internal ProgramOutcome RunFarEnd(string program, byte[] packet, byte[]? cameAs, PacketContext context)
    {
        const uint Slot = 5;
        var witness = new Witness { Length = (uint)Math.Min(cameAs?.Length ?? 0, Layout.WitnessBytes) };
        cameAs?.AsSpan(0, (int)witness.Length).CopyTo(witness.Bytes);
        Maps.Witnesses.Set(Slot, witness);
        if (!_farEnds.TryGetValue(program, out var farEnd))
        {
            _farEnds.Add(program, farEnd = new TrafficClassIndex(Datapath.ProgramFd(program), AttachTypeOf(program)));
        }

        return Namespace.Run(() => ProgramRun.Once(farEnd.Descriptor, packet, context with { ControlBlock = Slot + 1 }));
    }

    /// <summary>A packet of a far end as it was at its near end, one hop before, from its IPv4 header on; nothing where it has none.</summary>
    /// <param name="isOnPod">It is on the pod's device, and not in the tunnel.</param>
    internal static byte[] OneHopBefore(byte[] packet, bool isOnPod)
    {
        const int TtlAt = 8;
        var at = isOnPod ? 14 : 64;
        var before = packet.Length > at + TtlAt ? packet[at..] : [];
        if (before.Length > TtlAt)
        {
            before[TtlAt]++;
        }

        return before;
    }

    /// <summary>What a program was loaded for; 0 for clsact.</summary>
    internal uint AttachTypeOf(string program) => _parts.Value.Tcx
        ? TcxAttacher.AttachType(ProgramNames.OfEndpoint.Concat(ProgramNames.OfNic).Single(one => one.Program == program).Direction)
        : 0;

    /// <summary>Puts the maps into the state from which every case starts: all known, nothing cached.</summary>
    internal void Reset()
    {
        foreach (var key in Maps.FilterCache.Keys())
        {
            Maps.FilterCache.Remove(key);
        }

        Clear(Maps.ExcludedPrefixes);
        Clear(Maps.ExcludedPorts);
        Clear(Maps.NodeIndex);
        Clear(Maps.EndpointIndex);
        foreach (var reason in Enum.GetValues<Reason>())
        {
            Maps.Reasons.Clear((uint)reason);
        }

        for (var cpu = 0u; cpu < Maps.EndedQueues.Length; cpu++)
        {
            Maps.EndedQueues[cpu].Taken = Maps.EndedQueues[cpu].Written;
        }

        for (var slot = 0u; slot < Maps.Held.Length; slot++)
        {
            Maps.Held[slot] = default;
        }

        Maps.EndpointCounters.Clear(PodSlot);
        Maps.EndpointCounters.Clear(OtherPodSlot);
        SetConfig(ref Maps.Config[0]);
        SetEndpoint(PodSlot, "pod");
        SetEndpoint(OtherPodSlot, "other-pod");
        SetNode(RemoteNodeSlot, "remote-node");
        SetNode(OtherNodeSlot, "other-node");
    }

    /// <summary>Writes a remote node; every node is behind the same router.</summary>
    internal void SetNode(uint slot, string name, ushort mtu = 1450, byte tos = 0, byte ttl = 64)
    {
        var template = TemplateOf(name, tos, ttl);
        ref var entry = ref Maps.EgressCache[slot];
        entry = new EgressEntry
        {
            Epoch = NodeEpoch,
            IfIndex = (uint)IfIndex("nic"),
            NodeIp = SlotIndex.ToNetwork(WellKnown.Ip(name)),
            Checksum = template.Checksum,
            Mtu = mtu,
            Tos = template.Tos,
            TunnelIp = SlotIndex.ToNetwork(WellKnown.Ip("remote-gateway")),
        };
        template.Bytes.AsSpan().CopyTo(MemoryMarshal.CreateSpan(ref entry.Header[0], Layout.HeaderMax));
        Maps.NodeIndex.Set(entry.NodeIp, slot);
    }

    /// <summary>The header that leads to a remote node.</summary>
    internal static HeaderTemplate TemplateOf(string node, byte tos = 0, byte ttl = 64) => HeaderTemplate.Vxlan(new VxlanPath(
        WellKnown.Mac("nic"),
        WellKnown.Mac("next-hop"),
        WellKnown.Ip("node"),
        WellKnown.Ip(node),
        ttl,
        tos,
        DontFragment: false,
        WellKnown.TunnelPort,
        WellKnown.Vni,
        WellKnown.Mac("tunnel"),
        WellKnown.Mac("remote-tunnel")));

    private static void Clear<TKey>(BpfMap<TKey, uint> map)
        where TKey : unmanaged
    {
        foreach (var key in map.Keys())
        {
            map.Remove(key);
        }
    }

    private static void SetConfig(ref Config config)
    {
        config = new Config
        {
            Epoch = Epoch,
            Mark = MissBit,
            HeartbeatDeadline = MonotonicClock.Now() + 60_000_000_000,
            Lease = 30_000_000_000,
            TouchInterval = 50_000_000_000,
            NodeIp = SlotIndex.ToNetwork(WellKnown.Ip("node")),
            TunnelId = BinaryPrimitives.ReverseEndianness(WellKnown.Vni << 8),
            TunnelPort = BinaryPrimitives.ReverseEndianness(WellKnown.TunnelPort),
            SourcePortMin = WellKnown.SourcePortMin,
            SourcePortCount = WellKnown.SourcePortCount,
            Protocols = ProtocolBits.All,
            TimeoutTcpEstablished = 4_000_000,
            TimeoutTcpClosing = 300_000,
            TimeoutTcpClosed = 100_000,
            TimeoutUdpStream = 120_000,
        };
        WellKnown.Mac("tunnel").CopyTo(config.TunnelMac);
    }

    private void SetEndpoint(uint slot, string name)
    {
        ref var entry = ref Maps.IngressCache[slot];
        entry = new IngressEntry
        {
            Epoch = EndpointEpoch,
            IfIndex = (uint)IfIndex(name),
            Ip = SlotIndex.ToNetwork(WellKnown.Ip(name)),
            Mtu = 1450,
            Mode = EndpointMode.Accelerate,
            Protocols = ProtocolBits.All,
        };
        WellKnown.Mac(name).CopyTo(entry.PodMac);
        WellKnown.Mac("gateway").CopyTo(entry.GatewayMac);
        Maps.EndpointIndex.Set(entry.Ip, slot);
    }

    private sealed record Parts(TestNamespace Namespace, BpfFileSystem Pins, LoadedDatapath Datapath, bool Tcx) : IDisposable
    {
        public static Parts Create(Func<KernelCapabilities, KernelCapabilities> kernel, IKernelSteps? steps)
        {
            Conntrack.Require();
            var space = TestNamespace.Create();
            BpfFileSystem? pins = null;
            try
            {
                space.IpBatch(s_devices.SelectMany(device => new[]
                {
                    $"link add {device.Key} index {device.Value} type veth peer name {device.Key}-peer index {device.Value + 1}",
                    $"link set {device.Key} up",
                }).Append($"link set nic address {WellKnown.Mac("nic")}"));
                pins = new BpfFileSystem();
                return new Parts(space, pins, LoadedPrograms.Load(pins, kernel: kernel, steps: steps), kernel(LoadedPrograms.RequireKernel()).Tcx);
            }
            catch
            {
                pins?.Dispose();
                space.Dispose();
                throw;
            }
        }

        public void Dispose()
        {
            Datapath.Dispose();
            Pins.Dispose();
            Namespace.Dispose();
        }
    }
}
