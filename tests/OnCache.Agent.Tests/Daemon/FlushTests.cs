using System.Diagnostics;
using OnCache.Agent.Bpf;
using OnCache.Agent.Cli;
using OnCache.Agent.Coherence;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Tests.Datapath;

namespace OnCache.Agent.Tests.Daemon;

/// <summary>A flush plan, carried out in the kernel's maps: no more than it says.</summary>
public sealed class FlushTests
{
    private static readonly TimeSpan s_settle = TimeSpan.FromMinutes(1);
    private static readonly EndpointSpec s_web = new(
        Ipv4Address.Parse("10.244.1.2"), "uid-web", IfIndex: 11, MacAddress.Parse("02:00:00:00:01:02"), MacAddress.Parse("02:00:00:00:01:01"), Mtu: 1450,
        EndpointMode.Accelerate, ProtocolBits.All, EndpointFlags.None);

    private static readonly EndpointSpec s_db = s_web with { Address = Ipv4Address.Parse("10.244.1.3"), Uid = "uid-db", IfIndex = 12 };

    [Fact]
    public void Endpoints_are_flushed_and_held_and_nobody_else()
    {
        using var kernel = new FreshDatapath();
        FlushRecord? told = null;
        var controller = Controller(kernel, (record, changed) => told = changed is null ? null : record);
        var (web, db) = (Entry(kernel, controller, s_web), Entry(kernel, controller, s_db));
        var epoch = kernel.Maps.Config[0].Epoch;
        var plan = new FlushPlan(FlushCause.NetworkPolicyAdded, "NetworkPolicy a/b", [new FlushTarget(s_web.Uid, s_web.Address)], Settle: true);

        var record = controller.Flush(plan, s_settle, new FlushTiming(Stopwatch.GetTimestamp(), DateTimeOffset.UnixEpoch));

        (record.Cause, record.Subject, record.Endpoints, record.Nodes).ShouldBe((FlushCause.NetworkPolicyAdded, "NetworkPolicy a/b", 1, 0));
        told.ShouldBe(record);
        controller.LastFlush.ShouldBe(record);
        Entry(kernel, controller, s_web).Epoch.ShouldBe(web.Epoch + 1);
        Entry(kernel, controller, s_web).LearnAfter.ShouldBeGreaterThan(MonotonicClock.Now());
        (Entry(kernel, controller, s_db).Epoch, Entry(kernel, controller, s_db).LearnAfter).ShouldBe((db.Epoch, db.LearnAfter));
        kernel.Maps.Config[0].Epoch.ShouldBe(epoch);
    }

    [Fact]
    public void Flows_of_a_remote_node_are_flushed_and_all_endpoints_held_as_any_may_have_a_packet_on_the_old_way()
    {
        using var kernel = new FreshDatapath();
        var controller = Controller(kernel, static (_, _) => { });
        var mac = s_web.PodMac;
        var node = Ipv4Address.Parse("192.0.2.2");
        controller.Nodes.Apply([new NodeSpec(node, 7, 1450, HeaderTemplate.Vxlan(new VxlanPath(mac, mac, node, node, 64, 0, DontFragment: false, 8472, 1, mac, mac)))]);
        kernel.Maps.NodeIndex.TryGet(SlotIndex.ToNetwork(node), out var slot).ShouldBeTrue();
        var (epoch, web) = (kernel.Maps.EgressCache[slot].Epoch, Entry(kernel, controller, s_web));

        var record = controller.Flush(
            new FlushPlan(FlushCause.RouteChanged, "routes", [], Settle: true) { Nodes = [node] }, s_settle, new FlushTiming(Stopwatch.GetTimestamp()));

        (record.Endpoints, record.Nodes).ShouldBe((0, 1));
        kernel.Maps.EgressCache[slot].Epoch.ShouldBe(epoch + 1);
        Entry(kernel, controller, s_web).Epoch.ShouldBe(web.Epoch);
        Entry(kernel, controller, s_web).LearnAfter.ShouldBeGreaterThan(MonotonicClock.Now());
    }

    private static DatapathController Controller(FreshDatapath kernel, Action<FlushRecord, DateTimeOffset?> flushed)
    {
        var controller = new DatapathController(kernel.Datapath, new TcxAttacher("/nowhere"), new AgentSettings(), flushed);
        controller.Endpoints.Apply([s_web, s_db], settle: 0);
        return controller;
    }

    private static IngressEntry Entry(FreshDatapath kernel, DatapathController controller, EndpointSpec spec) =>
        kernel.Maps.IngressCache[controller.Endpoints.SlotOf(spec.Address)!.Value];
}
