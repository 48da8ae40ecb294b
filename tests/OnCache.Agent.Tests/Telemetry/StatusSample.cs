using OnCache.Agent.Configuration;
using OnCache.Agent.Telemetry;
using OnCache.Api;

namespace OnCache.Agent.Tests.Telemetry;

/// <summary>A status that tests change by <c>with</c>, and a source that answers with it.</summary>
internal sealed class StatusSample : IStatusSource, IFlushTarget
{
    public static AgentStatus Ready { get; } = new()
    {
        Version = "1.2.3",
        Node = "n1",
        Ready = true,
        UptimeSeconds = 61.5,
        Configuration = new ConfigurationState("/etc/oncache/node.yaml", DateTimeOffset.UnixEpoch, Error: null),
        Capabilities = new Capabilities("6.18.0", "tcx", new Dictionary<string, Capability>(StringComparer.Ordinal) { ["btf"] = new(Available: true) }),
        Underlay = new UnderlayStatus { Device = "flannel.1", Nic = "eth0", LocalAddress = "192.168.0.1", Vni = 1, Port = 8472, Mtu = 1450 },
        Sizes = new CacheFill(new CacheUse(65536, 2, 10 << 20), new CacheUse(5000, 1, 700_000), new CacheUse(256, 1, 900)),
        Totals = new Totals(99, 1, 0.99, 0),
        Endpoints =
        [
            new EndpointStatus
            {
                Namespace = "default",
                Name = "n1p1",
                Uid = "u1",
                Ip = "10.244.1.2",
                Interface = "veth1",
                Mode = AccelerationMode.Accelerate,
                Protocols = ["TCP", "UDP"],
                Policy = "default",
                State = EndpointState.Accelerated,
                Hits = new EndpointHits(new Traffic(50, 5000), new Traffic(49, 4900)),
            },
        ],
    };

    public AgentHealth Answer { get; set; } = new(Live: true, Ready: true, Reason: null);

    /// <summary>Nobody can be asked at the moment.</summary>
    public bool Replaced { get; set; }

    public FlushRequest? Flushed { get; private set; }

    /// <summary>The last status asked for was to count the flows anew.</summary>
    public bool Counted { get; private set; }

    public AgentStatus Status(bool countFlows)
    {
        Counted = countFlows;
        return Replaced ? throw new DatapathReplacedException() : Ready;
    }

    public AgentHealth Health() => Answer;

    public FlushOutcome Flush(FlushRequest request)
    {
        if (Replaced)
        {
            throw new DatapathReplacedException();
        }

        Flushed = request;
        return new FlushOutcome(request.All ? 3 : string.Equals(request.Endpoint, "default/n1p1", StringComparison.Ordinal) ? 1 : 0, 42.4);
    }
}
