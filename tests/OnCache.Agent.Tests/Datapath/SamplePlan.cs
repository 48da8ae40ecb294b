using System.Net;

using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Topology;
using OnCache.Api;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>What tells one node's tunnel from another's.</summary>
internal sealed record SampleTunnel(Ipv4Address Local, MacAddress Mac, uint Vni, PortRange SourcePorts);

/// <summary>The plan of a node with flannel's tunnel, one remote node and some pods.</summary>
internal static class SamplePlan
{
    public static ConntrackTimeouts Timeouts { get; } = new(
        TimeSpan.FromDays(5), TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2),
        TimeSpan.FromSeconds(30));

    public static NodePlan Of(SampleTunnel tunnel, UnderlayNic nic, IReadOnlyList<EndpointSpec> endpoints, NodeSpec remote) => new()
    {
        Underlay = new Underlay
        {
            Tunnel = new TunnelDevice
            {
                IfIndex = 400,
                Name = "flannel.1",
                Mac = tunnel.Mac,
                Vni = tunnel.Vni,
                Port = 8472,
                SourcePorts = tunnel.SourcePorts,
                Ttl = 64,
                Tos = 0,
                TosInherit = false,
                DontFragment = false,
                UdpChecksum = false,
                Mtu = 1450,
                BoundIfIndex = 0,
            },
            Nic = nic,
            LocalAddress = tunnel.Local,
        },
        RemoteNodes = [],
        Endpoints = [.. endpoints.Select(static spec => new PlannedEndpoint(
            new LocalEndpoint { Name = spec.Uid, Namespace = "default", Uid = spec.Uid, Ip = IPAddress.Parse(spec.Address.ToString()) },
            new EndpointTreatment(AccelerationMode.Accelerate, Protocols.All, PolicyName: null, default, ""),
            Attachment: null,
            spec))],
        NodeSpecs = [remote],
        Missing = [],
        InUse = [],
        Nics = [nic.IfIndex],
    };
}
