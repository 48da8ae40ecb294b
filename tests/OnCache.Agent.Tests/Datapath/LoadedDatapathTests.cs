using OnCache.Agent.Bpf;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Tests.Bpf;
using OnCache.Agent.Tests.Datapath.Cases;
using OnCache.Agent.Tests.Datapath.Packets;
using OnCache.Api;

namespace OnCache.Agent.Tests.Datapath;

public sealed class LoadedDatapathTests
{
    private const ulong Second = 1_000_000_000;

    [Fact]
    public void An_agent_that_starts_over_finds_the_maps_again()
    {
        using var file = new BpfFileSystem();
        Dictionary<string, uint> before;
        using (var first = LoadedPrograms.Load(file))
        {
            first.Reused.ShouldBeFalse();
            first.Maps.Config[0].Epoch = 42;
            before = MapIds(file);
        }

        using var second = LoadedPrograms.Load(file);

        second.Reused.ShouldBeTrue();
        MapIds(file).ShouldBe(before, ignoreOrder: true);
        second.Maps.Config[0].Epoch.ShouldBe(42u);
    }

    [Fact]
    public void Other_sizes_begin_with_empty_maps_all_of_them()
    {
        using var file = new BpfFileSystem();
        Dictionary<string, uint> before;
        using (var first = LoadedPrograms.Load(file))
        {
            first.Maps.Config[0].Epoch = 42;
            before = MapIds(file);
        }

        using (var second = LoadedPrograms.Load(file, LoadedPrograms.Sizes with { Ingress = 9 }))
        {
            second.Reused.ShouldBeFalse();
            MapIds(file).Values.Intersect(before.Values).ShouldBeEmpty("epochs in one map mean nothing beside the entries of another");
            second.Maps.Config[0].Epoch.ShouldBe(0u);
            second.Maps.IngressCache[9].IfIndex.ShouldBe(0u);
        }

        using var third = LoadedPrograms.Load(file, LoadedPrograms.Sizes with { Ingress = 9 });
        third.Reused.ShouldBeTrue("the new maps are the pinned ones now");
    }

    /// <summary>Programs of the former stay on devices until others take their places one after the other, and nobody tells them of anything.</summary>
    [Fact]
    public void Maps_in_force_let_the_heartbeat_of_those_before_end()
    {
        using var file = new BpfFileSystem();
        using var first = LoadedPrograms.Load(file);
        first.Maps.Config[0].HeartbeatDeadline = ulong.MaxValue;

        using var second = LoadedPrograms.Load(file, LoadedPrograms.Sizes with { Ingress = 9 });

        first.Maps.Config[0].HeartbeatDeadline.ShouldBe(0ul);
    }

    [Fact]
    public void A_map_that_is_missing_from_the_pins_makes_all_of_them_new()
    {
        using var file = new BpfFileSystem();
        LoadedPrograms.Load(file).Dispose();
        File.Delete(LoadedPrograms.Pins(file).MapPath(MapNames.Reasons));

        using var second = LoadedPrograms.Load(file);

        second.Reused.ShouldBeFalse();
    }

    /// <summary>The kernel rounds up to pages, and adds a head and lists for each CPU.</summary>
    [Theory]
    [InlineData(1024, 1, 1)]
    [InlineData(65_536, 5000, 256)]
    [InlineData(100_000, 20_000, 4096)]
    public void What_caches_will_cost_is_what_the_kernel_charges(int filter, int egress, int ingress)
    {
        const long Slack = 64 * 1024;
        var sizes = new DatapathSizes(filter, egress, ingress);
        using var kernel = new FreshDatapath(sizes);

        Charged(MapNames.FilterCache).ShouldBeInRange(CacheMemory.OfFilter(filter), CacheMemory.OfFilter(filter) + Slack);
        Charged(MapNames.EgressCache).ShouldBeInRange(CacheMemory.OfEgress(egress), CacheMemory.OfEgress(egress) + Slack);
        (Charged(MapNames.IngressCache) + Charged(MapNames.Held) + Charged(MapNames.EndpointCounters))
            .ShouldBeInRange(CacheMemory.OfIngress(ingress, DatapathSizes.Cpus), CacheMemory.OfIngress(ingress, DatapathSizes.Cpus) + (3 * Slack));
        sizes.Bytes.ShouldBeInRange(
            Charged(MapNames.FilterCache) + Charged(MapNames.EgressCache) + Charged(MapNames.IngressCache) + Charged(MapNames.Held) + Charged(MapNames.EndpointCounters) - (5 * Slack), long.MaxValue);

        long Charged(string map) => kernel.Datapath.MapMemory(map);
    }

    [Fact]
    public void Sweep_removes_what_no_packet_may_use_and_counts_the_rest()
    {
        using var kernel = new FreshDatapath();
        kernel.Maps.Config[0] = new Config { Epoch = Stage.Epoch, TimeoutTcpClosed = 10_000 };
        kernel.Maps.IngressCache[Stage.PodSlot] = new IngressEntry { Epoch = Stage.EndpointEpoch, IfIndex = 11 };
        var now = MonotonicClock.Now();
        var live = Flows.FreshEntry();
        var entries = new Dictionary<ushort, FilterEntry>
        {
            [1] = live,
            [2] = live with { IngressLease = 0 },
            [3] = live with { EgressLease = now - Second },
            [4] = live with { EgressLease = now - Second, IngressLease = now - Second },
            [5] = live with { Epoch = Stage.Epoch - 1 },
            [6] = live with { EndpointEpoch = Stage.EndpointEpoch - 1 },
            [7] = live with { EndpointEpoch = 0, Closing = Closing.Reset },
            [8] = live with { EndpointEpoch = 0, Closing = Closing.BothFin, Touched = now - 60 * Second },
            [9] = live with { EndpointEpoch = 0, Closing = Closing.BothFin, Touched = now - 15 * Second },
        };
        foreach (var (port, entry) in entries)
        {
            kernel.Maps.FilterCache.Set(Flows.KeyOf(port), entry);
        }

        var sweep = kernel.Datapath.SweepFilterCache();

        sweep.ShouldBe(new OnCache.Agent.Bpf.Sweep(Live: 3, Purged: 4));
        kernel.Maps.FilterCache.Keys().ShouldBe(
            // 7, 9: a SYN has yet to find out that the connection is over, for twice as long as conntrack keeps it.
            new ushort[] { 1, 2, 3, 7, 9 }.Select(Flows.KeyOf),
            ignoreOrder: true);
        kernel.Datapath.SweepFilterCache().ShouldBe(new OnCache.Agent.Bpf.Sweep(Live: 3, Purged: 0));
    }

    /// <summary>Before kernel 6.2 nothing vouches for an echo, in neither direction.</summary>
    [Theory]
    [InlineData(ProgramNames.NodeEgressLearn, "nic")]
    [InlineData(ProgramNames.PodIngressLearn, "pod")]
    public void Without_a_look_at_a_packets_conntrack_echo_is_not_learned(string program, string device)
    {
        using var stage = new Stage(kernel => kernel with { SkbConntrack = false });
        stage.Reset();
        var packet = PacketBuilder.Build(CaseReader.All()
            .First(pair => Stage.FullName(pair.Program) == program && pair.Case.Name.StartsWith("icmp echo", StringComparison.Ordinal))
            .Case.Packet);

        stage.Run(program, packet, new PacketContext(Stage.IfIndex(device), Stage.MissBit));

        stage.Maps.FilterCache.Keys().ShouldBeEmpty();
        stage.Maps.Reasons.Read((uint)Reason.LearnNoConntrack)
            .Aggregate(0UL, static (sum, cpu) => sum + cpu.Egress + cpu.Ingress)
            .ShouldBe(1UL);
    }

    [Fact]
    public void Waiting_for_running_programs_ends()
    {
        using var kernel = new FreshDatapath();

        Should.NotThrow(kernel.Datapath.WaitForRunningPrograms);
    }

    private static Dictionary<string, uint> MapIds(BpfFileSystem file) =>
        MapNames.All.ToDictionary(name => name, name => IdOf(LoadedPrograms.Pins(file), name), StringComparer.Ordinal);

    private static unsafe uint IdOf(PinDirectory pins, string name)
    {
        using var map = PinnedMaps.TryOpen(pins, name).ShouldNotBeNull();
        Interop.Libbpf.bpf_map_info info = default;
        var length = (uint)sizeof(Interop.Libbpf.bpf_map_info);
        BpfException.Check(Interop.Libbpf.bpf_obj_get_info_by_fd(map.Value, &info, ref length), "read map information");
        return info.id;
    }
}
