using System.Net;
using OnCache.Agent.Bpf;
using OnCache.Agent.Coherence;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Tests.Topology;
using OnCache.Agent.Topology;
using OnCache.Api;

namespace OnCache.Agent.Tests.Daemon;

/// <summary>The named cause of what the tables had to do.</summary>
public sealed class PlanChangesTests
{
    private static readonly EndpointTreatment s_accelerated = new(AccelerationMode.Accelerate, Protocols.All, "p", SelectionCause.PolicyMatched, "policy p");
    private static readonly RemoteNode s_node = new()
    {
        Address = Networks.Remote,
        NicIfIndex = Networks.Eth0,
        NicMac = Networks.Eth0Mac,
        NextHop = Networks.Remote,
        NextHopMac = Networks.RemoteMac,
        VtepMac = Networks.VtepMac,
        TunnelAddress = Ipv4Address.Parse("10.244.2.0"),
        Mtu = 1450,
    };

    public static TheoryData<string> PodCauses => [nameof(FlushCause.LinkChanged), nameof(FlushCause.NeighbourChanged), nameof(FlushCause.Configuration)];

    [Theory]
    [MemberData(nameof(PodCauses))]
    public void A_pod_that_stays_says_what_changed_about_it(string cause)
    {
        var before = Endpoint();
        var after = cause switch
        {
            nameof(FlushCause.LinkChanged) => before with { Spec = before.Spec! with { IfIndex = 99 } },
            nameof(FlushCause.NeighbourChanged) => before with { Spec = before.Spec! with { PodMac = Networks.VethMac } },
            _ => before with { Spec = before.Spec! with { Mode = EndpointMode.Observe } },
        };

        var change = PlanChanges.OfEndpoints(Plan(before), Plan(after), [before.Address]).ShouldHaveSingleItem();

        change.Cause.ToString().ShouldBe(cause);
        change.Subject.ShouldBe("pod shop/web");
        change.Endpoints.ShouldBe([new FlushTarget("uid", before.Address)]);
    }

    [Theory]
    [InlineData(EndpointReason.DeviceDown, FlushCause.LinkChanged)]
    [InlineData(EndpointReason.PortUnknown, FlushCause.FdbChanged)]
    [InlineData(EndpointReason.NeighbourUnresolved, FlushCause.NeighbourChanged)]
    [InlineData(EndpointReason.NoRoute, FlushCause.RouteChanged)]
    internal void A_pod_that_cannot_be_reached_any_more_says_why(EndpointReason reason, FlushCause cause)
    {
        var before = Endpoint();
        var after = before with { Spec = null, Attachment = new Refusal<EndpointReason>(reason, "pod: no") };

        PlanChanges.OfEndpoints(Plan(before), Plan(after), [before.Address]).ShouldHaveSingleItem().Cause.ShouldBe(cause);
    }

    [Fact]
    public void A_pod_that_went_or_came_in_another_s_place_is_told_by_its_own_event()
    {
        var before = Endpoint();

        PlanChanges.OfEndpoints(Plan(before), Plan(), [before.Address]).ShouldBeEmpty();
        PlanChanges.OfEndpoints(Plan(before), Plan(before with { Pod = before.Pod with { Uid = "heir" } }), [before.Address]).ShouldBeEmpty();
        PlanChanges.OfEndpoints(before: null, Plan(before), [before.Address]).ShouldBeEmpty();
    }

    [Fact]
    public void A_remote_node_that_comes_goes_or_moves_is_named()
    {
        Of(was: null, s_node).ShouldBe(FlushCause.NodeAdded);
        Of(s_node, now: null).ShouldBe(FlushCause.NodeRemoved);
        Of(s_node, s_node with { TunnelAddress = Ipv4Address.Parse("10.244.3.0") }).ShouldBe(FlushCause.NodeAddressChanged);
        Of(s_node, s_node with { VtepMac = Networks.PodMac }).ShouldBe(FlushCause.NodeAddressChanged);
        Of(s_node, s_node with { NextHop = Networks.Router, NextHopMac = Networks.RouterMac }).ShouldBe(FlushCause.RouteChanged);
        Of(s_node, s_node with { NextHopMac = Networks.RouterMac }).ShouldBe(FlushCause.NeighbourChanged);
        Of(s_node, s_node with { Mtu = 1300 }).ShouldBe(FlushCause.MtuChanged);
        Of(s_node, s_node with { NicMac = Networks.PodMac }).ShouldBe(FlushCause.LinkChanged);
    }

    [Theory]
    [InlineData(RemoteNodeReason.Ipsec, FlushCause.IpsecChanged)]
    [InlineData(RemoteNodeReason.NextHopFailed, FlushCause.NeighbourChanged)]
    [InlineData(RemoteNodeReason.AmbiguousStation, FlushCause.FdbChanged)]
    [InlineData(RemoteNodeReason.NoRoute, FlushCause.RouteChanged)]
    [InlineData(RemoteNodeReason.DeviceDown, FlushCause.LinkChanged)]
    [InlineData(RemoteNodeReason.MtuTooSmall, FlushCause.MtuChanged)]
    internal void A_remote_node_that_is_withdrawn_says_why_and_so_when_it_comes_back(RemoteNodeReason reason, FlushCause cause)
    {
        Resolution<RemoteNode, RemoteNodeReason> refused = new Refusal<RemoteNodeReason>(reason, "node: no");

        Of(s_node, refused).ShouldBe(cause);
        Of(refused, s_node).ShouldBe(cause);
    }

    private static FlushCause Of(Resolution<RemoteNode, RemoteNodeReason>? was, Resolution<RemoteNode, RemoteNodeReason>? now)
    {
        var change = PlanChanges.OfNodes(Plan() with { RemoteNodes = Results(was) }, Plan() with { RemoteNodes = Results(now) }, [Networks.Remote]).ShouldHaveSingleItem();
        change.Nodes.ShouldBe([Networks.Remote]);
        change.Endpoints.ShouldBeEmpty();
        return change.Cause;

        static System.Collections.Immutable.ImmutableArray<RemoteNodeResult> Results(Resolution<RemoteNode, RemoteNodeReason>? one) =>
            one is null ? [] : [new RemoteNodeResult(Networks.Remote, one)];
    }

    private static PlannedEndpoint Endpoint()
    {
        var address = Ipv4Address.Parse("10.244.1.2");
        return new PlannedEndpoint(
            new LocalEndpoint { Name = "web", Namespace = "shop", Uid = "uid", Ip = IPAddress.Parse("10.244.1.2") },
            s_accelerated,
            Attachment: null,
            new EndpointSpec(
                address, "uid", Networks.PodVeth, Networks.PodMac, Networks.Cni0Mac, Mtu: 1450, EndpointMode.Accelerate, ProtocolBits.All, EndpointFlags.None));
    }

    private static NodePlan Plan(params PlannedEndpoint[] endpoints) => new()
    {
        Underlay = UnderlayResolver.Resolve(Networks.Node, Networks.Options),
        RemoteNodes = [],
        Endpoints = endpoints,
        NodeSpecs = [],
        Missing = [],
        InUse = [],
        Nics = [],
    };
}
