using OnCache.Agent.Bpf;
using OnCache.Agent.Coherence;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>The ingress cache as the agent keeps it, over the kernel's maps.</summary>
public sealed class EndpointTableTests
{
    private const ulong Now = 1_000_000;
    private const ulong Settle = 500;

    private static readonly EndpointSpec s_web = new(
        Ipv4Address.Parse("10.244.1.2"),
        "uid-web",
        IfIndex: 11,
        MacAddress.Parse("02:00:00:00:01:02"),
        MacAddress.Parse("02:00:00:00:01:01"),
        Mtu: 1450,
        EndpointMode.Accelerate,
        ProtocolBits.Tcp | ProtocolBits.Udp,
        EndpointFlags.IngressShaped);

    private static readonly EndpointSpec s_db = s_web with
    {
        Address = Ipv4Address.Parse("10.244.1.3"),
        Uid = "uid-db",
        IfIndex = 12,
        PodMac = MacAddress.Parse("02:00:00:00:01:03"),
    };

    [Fact]
    public void A_new_pod_is_written_whole_and_learns_at_once()
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel);

        var changes = table.Apply([s_web], Settle);

        changes.Flushed.ShouldBeEmpty();
        changes.NoRoom.ShouldBeEmpty();
        var slot = table.SlotOf(s_web.Address).ShouldNotBeNull();
        kernel.Maps.EndpointIndex.TryGet(SlotIndex.ToNetwork(s_web.Address), out var indexed).ShouldBeTrue();
        indexed.ShouldBe(slot);
        ref var entry = ref kernel.Maps.IngressCache[slot];
        entry.IfIndex.ShouldBe(11u);
        entry.Ip.ShouldBe(SlotIndex.ToNetwork(s_web.Address));
        entry.Mtu.ShouldBe((ushort)1450);
        entry.Mode.ShouldBe(EndpointMode.Accelerate);
        entry.Protocols.ShouldBe(ProtocolBits.Tcp | ProtocolBits.Udp);
        entry.Flags.ShouldBe(EndpointFlags.IngressShaped);
        MacAddress.Read(entry.PodMac).ShouldBe(s_web.PodMac);
        MacAddress.Read(entry.GatewayMac).ShouldBe(s_web.GatewayMac);
        entry.LearnAfter.ShouldBe(0UL);
    }

    [Fact]
    public void The_same_again_changes_nothing()
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel, whileWaiting: () => Assert.Fail("there is nothing to wait for"));
        table.Apply([s_web, s_db], Settle);
        var before = kernel.Maps.IngressCache[table.SlotOf(s_web.Address)!.Value].Epoch;

        table.Apply([s_db, s_web with { }], Settle).Flushed.ShouldBeEmpty();

        kernel.Maps.IngressCache[table.SlotOf(s_web.Address)!.Value].Epoch.ShouldBe(before);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_pod_that_rules_of_the_host_begin_or_cease_to_concern_loses_its_verdicts(bool begins)
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel);
        var ruled = s_web with { Flags = s_web.Flags | EndpointFlags.Ruled };
        var (before, after) = begins ? (s_web, ruled) : (ruled, s_web);
        table.Apply([before, s_db], Settle);
        var (web, db) = (table.SlotOf(s_web.Address)!.Value, table.SlotOf(s_db.Address)!.Value);
        var (epoch, other) = (kernel.Maps.IngressCache[web].Epoch, kernel.Maps.IngressCache[db].Epoch);

        table.Apply([after, s_db], Settle).Flushed.ShouldBe([s_web.Address]);

        kernel.Maps.IngressCache[web].Flags.ShouldBe(after.Flags);
        kernel.Maps.IngressCache[web].Epoch.ShouldBe(epoch + 1);
        kernel.Maps.IngressCache[db].Epoch.ShouldBe(other);
    }

    [Fact]
    public void A_pod_that_went_is_withdrawn_before_its_counters_are_retired()
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel);
        table.Apply([s_web], Settle);
        var slot = table.SlotOf(s_web.Address)!.Value;
        var epoch = kernel.Maps.IngressCache[slot].Epoch;
        Count(kernel, slot, 7);

        var changes = table.Apply([], Settle);

        changes.Flushed.ShouldBe([s_web.Address]);
        kernel.Maps.IngressCache[slot].IfIndex.ShouldBe(0u);
        kernel.Maps.IngressCache[slot].Epoch.ShouldBe(epoch + 1);
        kernel.Maps.EndpointIndex.TryGet(SlotIndex.ToNetwork(s_web.Address), out _).ShouldBeFalse();
        table.Retired.EgressPackets.ShouldBe(7UL);
        table.CountersOf(slot).ShouldBe(default);
        table.Specs.ShouldBeEmpty();
    }

    [Fact]
    public void What_running_programs_still_count_for_a_pod_that_went_is_retired_too()
    {
        using var kernel = new FreshDatapath();
        uint slot = 0;
        var table = Table(kernel, () => Count(kernel, slot, 9));
        table.Apply([s_web], Settle);
        slot = table.SlotOf(s_web.Address)!.Value;
        Count(kernel, slot, 7);

        table.Apply([], Settle);

        table.Retired.EgressPackets.ShouldBe(9UL);
        table.CountersOf(slot).ShouldBe(default);
    }

    [Fact]
    public void An_address_that_passed_to_another_pod_is_rewritten_only_after_running_programs()
    {
        using var kernel = new FreshDatapath();
        uint? seen = null;
        uint slot = 0;
        var table = Table(kernel, () => seen = kernel.Maps.IngressCache[slot].IfIndex);
        table.Apply([s_web], Settle);
        slot = table.SlotOf(s_web.Address)!.Value;
        var epoch = kernel.Maps.IngressCache[slot].Epoch;

        var changes = table.Apply([s_web with { Uid = "uid-new", IfIndex = 21 }], Settle);

        changes.Flushed.ShouldBe([s_web.Address]);
        seen.ShouldBe(0u, "the entry must be withdrawn while programs are awaited");
        kernel.Maps.IngressCache[slot].IfIndex.ShouldBe(21u);
        kernel.Maps.IngressCache[slot].Epoch.ShouldBe(epoch + 1);
        kernel.Maps.IngressCache[slot].LearnAfter.ShouldBe(Now + Settle);
    }

    [Fact]
    public void An_address_that_comes_back_within_the_settle_time_is_still_held()
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel);
        table.Apply([s_web], Settle);
        table.Apply([], Settle);

        table.Apply([s_web with { Uid = "uid-new" }], Settle);

        kernel.Maps.IngressCache[table.SlotOf(s_web.Address)!.Value].LearnAfter.ShouldBe(Now + Settle);
    }

    [Fact]
    public void An_address_that_comes_back_later_learns_at_once()
    {
        using var kernel = new FreshDatapath();
        var time = Now;
        var table = new EndpointTable(kernel.Maps, () => time, () => { });
        table.Apply([s_web], Settle);
        table.Apply([], Settle);
        time += Settle;

        table.Apply([s_web with { Uid = "uid-new" }], Settle);

        kernel.Maps.IngressCache[table.SlotOf(s_web.Address)!.Value].LearnAfter.ShouldBe(0UL);
    }

    [Fact]
    public void A_freed_slot_carries_no_verdict_over_to_the_next_pod()
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel);
        table.Apply([s_web], Settle);
        var slot = table.SlotOf(s_web.Address)!.Value;
        var epoch = kernel.Maps.IngressCache[slot].Epoch;

        table.Apply([s_db], Settle);

        table.SlotOf(s_db.Address).ShouldBe(slot);
        kernel.Maps.IngressCache[slot].Epoch.ShouldNotBe(epoch);
        kernel.Maps.IngressCache[slot].Ip.ShouldBe(SlotIndex.ToNetwork(s_db.Address));
    }

    [Theory]
    [InlineData(EndpointMode.Observe, ProtocolBits.Tcp | ProtocolBits.Udp)]
    [InlineData(EndpointMode.Accelerate, ProtocolBits.Tcp)]
    internal void Another_treatment_voids_the_verdicts_and_waits_for_nothing(EndpointMode mode, ProtocolBits protocols)
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel, () => Assert.Fail("a policy of ours has nothing to settle"));
        table.Apply([s_web], Settle);
        var slot = table.SlotOf(s_web.Address)!.Value;
        var epoch = kernel.Maps.IngressCache[slot].Epoch;

        table.Apply([s_web with { Mode = mode, Protocols = protocols }], Settle).Flushed.ShouldBe([s_web.Address]);

        kernel.Maps.IngressCache[slot].Epoch.ShouldBe(epoch + 1);
        kernel.Maps.IngressCache[slot].Mode.ShouldBe(mode);
        kernel.Maps.IngressCache[slot].Protocols.ShouldBe(protocols);
        kernel.Maps.IngressCache[slot].LearnAfter.ShouldBe(0UL);
    }

    [Fact]
    public void Another_mtu_or_limit_changes_the_entry_and_no_verdict()
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel, () => Assert.Fail("there is nothing to wait for"));
        table.Apply([s_web], Settle);
        var slot = table.SlotOf(s_web.Address)!.Value;
        var epoch = kernel.Maps.IngressCache[slot].Epoch;

        table.Apply([s_web with { Mtu = 1300, Flags = EndpointFlags.EgressShaped }], Settle).Flushed.ShouldBeEmpty();

        kernel.Maps.IngressCache[slot].Epoch.ShouldBe(epoch);
        kernel.Maps.IngressCache[slot].Mtu.ShouldBe((ushort)1300);
        kernel.Maps.IngressCache[slot].Flags.ShouldBe(EndpointFlags.EgressShaped);
    }

    [Fact]
    public void Pods_beyond_the_size_are_named_and_left_to_the_cni()
    {
        using var kernel = new FreshDatapath(new DatapathSizes(Filter: 64, Egress: 1, Ingress: 1));
        var table = Table(kernel);

        table.Apply([s_web, s_db], Settle).NoRoom.ShouldBe([s_db.Address]);

        table.Specs.Keys.ShouldBe([s_web.Address]);
        kernel.Maps.EndpointIndex.Keys().ShouldBe([SlotIndex.ToNetwork(s_web.Address)]);
        table.Apply([s_db], Settle).NoRoom.ShouldBeEmpty("the slot is free again");
    }

    [Fact]
    public void Flush_moves_the_epoch_and_never_shortens_a_hold()
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel);
        table.Apply([s_web, s_db], Settle);
        var slot = table.SlotOf(s_web.Address)!.Value;
        var epoch = kernel.Maps.IngressCache[slot].Epoch;
        var other = kernel.Maps.IngressCache[table.SlotOf(s_db.Address)!.Value];

        table.Flush(new FlushTarget(s_web.Uid, s_web.Address), Now + 100);
        table.Flush(new FlushTarget(s_web.Uid, s_web.Address), Now + 50);

        kernel.Maps.IngressCache[slot].Epoch.ShouldBe(epoch + 2);
        kernel.Maps.IngressCache[slot].LearnAfter.ShouldBe(Now + 100);
        kernel.Maps.IngressCache[table.SlotOf(s_db.Address)!.Value].Epoch.ShouldBe(other.Epoch);
        kernel.Maps.IngressCache[table.SlotOf(s_db.Address)!.Value].LearnAfter.ShouldBe(other.LearnAfter);
        Should.NotThrow(() => table.Flush(new FlushTarget("uid-unknown", Ipv4Address.Parse("192.0.2.1")), Now));
    }

    [Fact]
    public void A_proof_that_is_gone_takes_with_it_what_was_opened_under_it()
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel);
        table.Apply([Proven(s_web), s_db], Settle);
        var slot = table.SlotOf(s_web.Address)!.Value;
        var before = kernel.Maps.IngressCache[slot];
        before.Flags.ShouldBe(EndpointFlags.IngressShaped | EndpointFlags.Portless);

        table.Apply([s_web, s_db], Settle).Flushed.ShouldBe([s_web.Address]);

        kernel.Maps.IngressCache[slot].Flags.ShouldBe(EndpointFlags.IngressShaped);
        kernel.Maps.IngressCache[slot].Epoch.ShouldBe(before.Epoch + 1);
        kernel.Maps.IngressCache[slot].LearnAfter.ShouldBe(Now + Settle);
    }

    [Fact]
    public void A_proof_that_comes_voids_nothing()
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel);
        table.Apply([s_web], Settle);
        var slot = table.SlotOf(s_web.Address)!.Value;
        var epoch = kernel.Maps.IngressCache[slot].Epoch;

        table.Apply([Proven(s_web)], Settle).Flushed.ShouldBeEmpty();

        kernel.Maps.IngressCache[slot].Flags.ShouldBe(EndpointFlags.IngressShaped | EndpointFlags.Portless);
        kernel.Maps.IngressCache[slot].Epoch.ShouldBe(epoch);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_may_alter_verdicts_takes_the_proof_back_until_the_next_plan(bool all)
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel);
        table.Apply([Proven(s_web)], Settle);
        var slot = table.SlotOf(s_web.Address)!.Value;

        if (all)
        {
            table.HoldAll(Now + 100);
        }
        else
        {
            table.Flush(new FlushTarget(s_web.Uid, s_web.Address), Now + 100);
        }

        var epoch = kernel.Maps.IngressCache[slot].Epoch;
        kernel.Maps.IngressCache[slot].Flags.ShouldBe(EndpointFlags.IngressShaped);
        table.Apply([Proven(s_web)], Settle).Flushed.ShouldBeEmpty();
        kernel.Maps.IngressCache[slot].Flags.ShouldBe(EndpointFlags.IngressShaped | EndpointFlags.Portless);
        kernel.Maps.IngressCache[slot].Epoch.ShouldBe(epoch);
    }

    [Fact]
    public void Hold_all_holds_every_pod_and_moves_no_epoch()
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel);
        table.Apply([s_web, s_db], Settle);
        var epoch = kernel.Maps.IngressCache[table.SlotOf(s_web.Address)!.Value].Epoch;

        table.HoldAll(Now + 100);

        foreach (var spec in new[] { s_web, s_db })
        {
            kernel.Maps.IngressCache[table.SlotOf(spec.Address)!.Value].LearnAfter.ShouldBe(Now + 100);
        }

        kernel.Maps.IngressCache[table.SlotOf(s_web.Address)!.Value].Epoch.ShouldBe(epoch);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_hold_reaches_a_pod_that_gets_its_entry_later(bool all)
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel);
        table.Flush(new FlushTarget(s_web.Uid, Address: null), all ? 0 : Now + 100);
        table.HoldAll(all ? Now + 100 : 0);

        table.Apply([s_web, s_db], Settle);

        kernel.Maps.IngressCache[table.SlotOf(s_web.Address)!.Value].LearnAfter.ShouldBe(Now + 100);
        kernel.Maps.IngressCache[table.SlotOf(s_db.Address)!.Value].LearnAfter.ShouldBe(all ? Now + 100 : 0);
    }

    [Fact]
    public void A_flush_does_not_wait_for_running_programs()
    {
        using var kernel = new FreshDatapath();
        EndpointTable? table = null;
        uint slot = 0;
        var epoch = 0u;
        table = Table(kernel, () =>
        {
            var before = kernel.Maps.IngressCache[slot].Epoch;
            Task.Run(() => table!.Flush(new FlushTarget(s_db.Uid, s_db.Address), Now + 100)).Wait(TimeSpan.FromSeconds(30)).ShouldBeTrue();
            epoch = kernel.Maps.IngressCache[slot].Epoch - before;
        });
        table.Apply([s_web, s_db], Settle);
        slot = table.SlotOf(s_db.Address)!.Value;

        table.Apply([s_db], Settle);

        epoch.ShouldBe(1u);
    }

    [Fact]
    public void An_agent_that_starts_over_keeps_what_still_names_the_same_place()
    {
        using var kernel = new FreshDatapath();
        Table(kernel).Apply([s_web], Settle);

        var next = Table(kernel, () => Assert.Fail("packets go on while agents change"));
        next.Apply([s_web with { Uid = "uid-unknown-to-the-maps" }], Settle).Flushed.ShouldBeEmpty();

        next.Specs.Keys.ShouldBe([s_web.Address]);
        kernel.Maps.IngressCache[next.SlotOf(s_web.Address)!.Value].IfIndex.ShouldBe(11u);
    }

    [Fact]
    public void An_agent_that_starts_over_takes_out_what_has_changed_or_gone()
    {
        using var kernel = new FreshDatapath();
        var first = Table(kernel);
        first.Apply([s_web, s_db], Settle);
        var (web, db) = (first.SlotOf(s_web.Address)!.Value, first.SlotOf(s_db.Address)!.Value);

        var waited = 0;
        var next = Table(kernel, () => waited++);
        next.Apply([s_web with { IfIndex = 31 }], Settle).Flushed.ShouldBe([s_web.Address, s_db.Address], ignoreOrder: true);

        waited.ShouldBe(1);
        kernel.Maps.IngressCache[web].IfIndex.ShouldBe(31u);
        kernel.Maps.IngressCache[web].LearnAfter.ShouldBe(Now + Settle);
        kernel.Maps.IngressCache[db].IfIndex.ShouldBe(0u);
    }

    [Fact]
    public void A_pod_that_comes_does_not_pay_for_what_its_predecessor_held_of_the_cache()
    {
        using var kernel = new FreshDatapath();
        var table = Table(kernel);
        table.Apply([s_web, s_db], Settle);
        kernel.Maps.Held[table.SlotOf(s_web.Address)!.Value] = new Held { Entries = 900, Refused = 7 };
        kernel.Maps.Held[table.SlotOf(s_db.Address)!.Value] = new Held { Entries = 30, Refused = 1 };
        table.Shares()[s_web.Address].ShouldBe(new CacheShare(900, 7));

        table.Apply([s_web with { Uid = "another" }, s_db], Settle);

        table.Shares()[s_web.Address].ShouldBe(new CacheShare(0, 0));
        var entry = kernel.Maps.IngressCache[table.SlotOf(s_web.Address)!.Value];
        entry.Since.ShouldBe(entry.Epoch, "what was cached under former epochs is nobody's");
        table.Flush(new FlushTarget("another", s_web.Address), learnAfter: 0);
        kernel.Maps.IngressCache[table.SlotOf(s_web.Address)!.Value].Since.ShouldBe(entry.Since, "of one flushed it is still the pod's");
        table.Shares()[s_db.Address].ShouldBe(new CacheShare(30, 1));
    }

    private static EndpointSpec Proven(EndpointSpec spec) => spec with { Flags = spec.Flags | EndpointFlags.Portless };

    private static EndpointTable Table(FreshDatapath kernel, Action? whileWaiting = null) =>
        new(kernel.Maps, () => Now, whileWaiting ?? (() => { }));

    private static unsafe void Count(FreshDatapath kernel, uint slot, ulong packets)
    {
        var values = new EndpointCounters[Interop.Libbpf.libbpf_num_possible_cpus()];
        values[0] = new EndpointCounters(packets, 0, 0, 0);
        using var map = kernel.OpenMap(MapNames.EndpointCounters);
        fixed (EndpointCounters* pointer = values)
        {
            BpfException.Check(Interop.Libbpf.bpf_map_update_elem(map.Value, &slot, pointer, 0), "count");
        }
    }
}
