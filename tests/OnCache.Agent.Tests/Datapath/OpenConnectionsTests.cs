using OnCache.Agent.Bpf;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>What is open goes on to be known when other maps take the place of those that know it.</summary>
public sealed class OpenConnectionsTests
{
    private const EntryFlags Open = EntryFlags.Portless | EntryFlags.AskedEgress | EntryFlags.Answered;
    private static readonly Ipv4Address s_pod = Ipv4Address.Parse("10.244.1.2");
    private static readonly Ipv4Address s_gone = Ipv4Address.Parse("10.244.1.9");

    [Fact]
    public void Connections_of_the_fast_path_that_are_open_are_known_to_the_new_maps_and_no_packet_may_use_them()
    {
        using var former = new FreshDatapath();
        using var present = new FreshDatapath();
        var slot = Place(present);
        Write(former, s_pod, 1, Open);
        Write(former, s_pod, 2, Open, Closing.EgressFin);
        Write(former, s_pod, 3, Open, Closing.BothFin);
        Write(former, s_pod, 4, Open, Closing.IngressReset);
        Write(former, s_pod, 5, EntryFlags.Portless | EntryFlags.AskedEgress);
        Write(former, s_pod, 6, EntryFlags.None);
        Write(former, s_gone, 7, Open);

        OpenConnections.Carry(former.Maps, present.Maps).ShouldBe(2);

        present.Maps.FilterCache.Keys().Select(static key => key.LocalPort).ShouldBe([(ushort)1, (ushort)2], ignoreOrder: true);
        present.Maps.FilterCache.TryGet(Key(s_pod, 2), out var entry).ShouldBeTrue();
        (entry.Endpoint, entry.Flags, entry.Closing).ShouldBe(((ushort)slot, Open, Closing.EgressFin));
        Math.Max(entry.EgressLease, entry.IngressLease).ShouldBe(0ul);
        // The next sweep counts them and leaves them, for the pod is the one that they were of.
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
        var most = present.Maps.Sizes.UsableFilter / 2;
        for (var port = 1; port <= most + 10; port++)
        {
            Write(former, s_pod, (ushort)port, Open);
        }

        OpenConnections.Carry(former.Maps, present.Maps).ShouldBe(most);
    }

    private static uint Place(FreshDatapath datapath)
    {
        datapath.Maps.Config[0].Epoch = 1;
        datapath.Maps.Config[0].TimeoutTcpEstablished = uint.MaxValue;
        var table = new EndpointTable(datapath.Maps, MonotonicClock.Now, static () => { });
        table.Apply(
            [new EndpointSpec(s_pod, "uid", IfIndex: 11, MacAddress.Parse("02:00:00:00:01:02"), MacAddress.Parse("02:00:00:00:01:01"), Mtu: 1450, EndpointMode.Accelerate, ProtocolBits.All, EndpointFlags.None)],
            settle: 0);
        return table.SlotOf(s_pod)!.Value;
    }

    private static void Write(FreshDatapath datapath, Ipv4Address pod, ushort port, EntryFlags flags, Closing closing = Closing.None)
    {
        var now = MonotonicClock.Now();
        datapath.Maps.FilterCache.Set(
            Key(pod, port), new FilterEntry { EgressLease = now + 60_000_000_000, IngressLease = now + 60_000_000_000, Touched = now, Endpoint = 3, Node = 1, Flags = flags, Closing = closing });
    }

    private static FlowKey Key(Ipv4Address pod, ushort port) => new() { LocalIp = SlotIndex.ToNetwork(pod), RemoteIp = 1, LocalPort = port, RemotePort = 80, Protocol = 6 };
}
