using OnCache.Agent.Bpf;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>What is open goes on to be known when other maps take the place of those that know it.</summary>
public sealed class OpenConnectionsTests
{
    private const EntryFlags Open = EntryFlags.Portless | EntryFlags.AskedEgress | EntryFlags.Answered;
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);
    private static readonly Ipv4Address s_pod = Ipv4Address.Parse("10.244.1.2");
    private static readonly Ipv4Address s_gone = Ipv4Address.Parse("10.244.1.9");

    [Fact]
    public void Connections_of_the_fast_path_that_are_open_are_known_to_the_new_maps_and_no_packet_may_use_them()
    {
        using var former = new FreshDatapath();
        using var present = new FreshDatapath();
        var (slot, _) = (Place(present), Place(former));
        Write(former, s_pod, 1, Open);
        Write(former, s_pod, 2, Open, Closing.EgressFin);
        Write(former, s_pod, 3, Open, Closing.BothFin);
        Write(former, s_pod, 4, Open, Closing.IngressReset);
        Write(former, s_pod, 5, EntryFlags.Portless | EntryFlags.AskedEgress);
        Write(former, s_pod, 6, EntryFlags.None);
        Write(former, s_gone, 7, Open);

        OpenConnections.Carry(former.Maps, present.Maps, s_longest).ShouldBe(2);

        present.Maps.FilterCache.Keys().Select(static key => key.LocalPort).ShouldBe([(ushort)1, (ushort)2], ignoreOrder: true);
        present.Maps.FilterCache.TryGet(Key(s_pod, 2), out var entry).ShouldBeTrue();
        (entry.Endpoint, entry.Flags, entry.Closing).ShouldBe(((ushort)slot, Open, Closing.EgressFin));
        Math.Max(entry.EgressLease, entry.IngressLease).ShouldBe(0ul);
        (present.Maps.Held[slot].Entries, present.Maps.Held[0].Entries).ShouldBe((2, 2), "they take room at once");
        // The next sweep leaves them, for the pod is the one that they were of.
        present.Datapath.SweepFilterCache().Live.ShouldBe(0ul);
        present.Maps.FilterCache.Keys().Count.ShouldBe(2);
        present.Maps.Held[slot].Entries.ShouldBe(2);
    }

    [Fact]
    public void Half_of_the_new_cache_is_left_to_what_begins()
    {
        using var former = new FreshDatapath();
        using var present = new FreshDatapath();
        Place(present);
        Place(former);
        var most = present.Maps.Sizes.UsableFilter / 2;
        for (var port = 1; port <= most + 10; port++)
        {
            Write(former, s_pod, (ushort)port, Open);
        }

        OpenConnections.Carry(former.Maps, present.Maps, s_longest).ShouldBe(most);
    }

    [Fact]
    public void What_the_new_maps_know_already_is_left_as_it_is()
    {
        using var former = new FreshDatapath();
        using var present = new FreshDatapath();
        var (slot, _) = (Place(present), Place(former));
        Write(former, s_pod, 1, Open);
        Write(present, s_pod, 1, EntryFlags.None, Closing.BothFin);

        OpenConnections.Carry(former.Maps, present.Maps, s_longest).ShouldBe(0);

        present.Maps.FilterCache.TryGet(Key(s_pod, 1), out var entry).ShouldBeTrue();
        (entry.Flags, entry.Closing).ShouldBe((EntryFlags.None, Closing.BothFin));
        present.Maps.Held[slot].Entries.ShouldBe(0);
    }

    [Fact]
    public void Connections_of_a_pod_that_had_the_address_before_are_none_of_its_successor()
    {
        using var former = new FreshDatapath();
        using var present = new FreshDatapath();
        var slot = Place(former);
        Write(former, s_pod, 1, Open);
        // Another pod has come to the same place in the old maps.
        former.Maps.IngressCache[slot].Since = ++former.Maps.IngressCache[slot].Epoch;
        Place(present);
        OpenConnections.Carry(former.Maps, present.Maps, s_longest).ShouldBe(0);

        // Or only to that in the new ones.
        Write(former, s_pod, 2, Open);
        present.Maps.IngressCache[Place(present, ifIndex: 12)].IfIndex.ShouldBe(12u);
        OpenConnections.Carry(former.Maps, present.Maps, s_longest).ShouldBe(0);
    }

    private static uint Place(FreshDatapath datapath, int ifIndex = 11)
    {
        datapath.Maps.Config[0].Epoch = 1;
        datapath.Maps.Config[0].TimeoutTcpEstablished = uint.MaxValue;
        var table = new EndpointTable(datapath.Maps, MonotonicClock.Now, static () => { });
        table.Apply(
            [new EndpointSpec(s_pod, "uid", ifIndex, MacAddress.Parse("02:00:00:00:01:02"), MacAddress.Parse("02:00:00:00:01:01"), Mtu: 1450, EndpointMode.Accelerate, ProtocolBits.All, EndpointFlags.None)],
            settle: 0);
        return table.SlotOf(s_pod)!.Value;
    }

    private static void Write(FreshDatapath datapath, Ipv4Address pod, ushort port, EntryFlags flags, Closing closing = Closing.None)
    {
        var now = MonotonicClock.Now();
        var slot = datapath.Maps.EndpointIndex.TryGet(SlotIndex.ToNetwork(s_pod), out var found) ? found : 0;
        datapath.Maps.FilterCache.Set(
            Key(pod, port), new FilterEntry { EgressLease = now + 60_000_000_000, IngressLease = now + 60_000_000_000, Touched = now, Endpoint = (ushort)slot, EndpointEpoch = datapath.Maps.IngressCache[slot].Since, Node = 1, Flags = flags, Closing = closing });
    }

    private static FlowKey Key(Ipv4Address pod, ushort port) => new() { LocalIp = SlotIndex.ToNetwork(pod), RemoteIp = 1, LocalPort = port, RemotePort = 80, Protocol = 6 };
}
