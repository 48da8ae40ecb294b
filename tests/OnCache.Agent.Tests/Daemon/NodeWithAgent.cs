using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Agent.Cli;
using OnCache.Agent.Configuration;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Rules;
using OnCache.Agent.Telemetry;
using OnCache.Agent.Tests.Bpf;
using OnCache.Agent.Tests.Net;
using OnCache.Agent.Tests.Topology;
using OnCache.Agent.Topology;
using OnCache.Api;

namespace OnCache.Agent.Tests.Daemon;

/// <summary>An agent in the calling thread's network namespace, a <see cref="FlannelNode"/>, after its first turn.</summary>
internal static class NodeWithAgent
{
    /// <summary>A policy that selects the node's only pod.</summary>
    public static AgentConfiguration Configuration { get; } = new(
        new NodeCacheConfig(new ObjectMeta("n1"), new NodeCacheConfigSpec
        {
            Policies = [new CachePolicy { Name = "all" }],
            CacheSizes = new CacheSizes { Filter = LoadedPrograms.Sizes.Filter, Egress = LoadedPrograms.Sizes.Egress, Ingress = LoadedPrograms.Sizes.Ingress },
        }),
        new LocalEndpoints(
            new ObjectMeta("n1"),
            [new LocalNamespace("shop", new Dictionary<string, string>(StringComparer.Ordinal))],
            [new LocalEndpoint { Name = "web", Namespace = "shop", Uid = "uid", Ip = IPAddress.Parse(FlannelNode.PodAddress) }]));

    /// <param name="use">Gets the agent, and the maps that it writes.</param>
    /// <param name="attacher">How programs are attached; by tcx when left out.</param>
    /// <param name="configuration">What is in force; <see cref="Configuration"/> when left out.</param>
    /// <param name="heartbeat">The heartbeat timeout; a second when left out.</param>
    /// <param name="sysctl">The folder of the settings of conntrack; one without any when left out.</param>
    /// <param name="options">What tunnels get by default; always the same when left out.</param>
    /// <param name="prepare">Makes the maps and programs of other sizes; must not be asked when left out.</param>
    public static async Task RunAsync(
        Func<NodeAgent, DatapathMaps, Task> use,
        IProgramAttacher? attacher = null,
        AgentConfiguration? configuration = null,
        TimeSpan? heartbeat = null,
        string? sysctl = null,
        Func<UnderlayOptions>? options = null,
        Func<DatapathSizes, LoadedDatapath>? prepare = null)
    {
        using var file = new BpfFileSystem();
        using var datapath = LoadedPrograms.Load(file);
        Assert.SkipUnless(attacher is not null || LoadedPrograms.RequireKernel().Tcx, "needs a kernel with tcx (6.6)");
        using var neighbours = NeighbourAsker.Start(NullLogger.Instance);
        using var rules = HostRulesMonitor.Start(static index => $"{index}");
        using var metrics = new CoherenceMetrics();
        var settings = new AgentSettings { HeartbeatTimeout = heartbeat ?? TimeSpan.FromSeconds(1) };
        var agent = new NodeAgent(
            datapath, attacher ?? new TcxAttacher(LoadedPrograms.Pins(file).Links), NetworkSnapshotReader.Read(), neighbours,
            new ConntrackSysctl(sysctl ?? file.Root), rules, configuration ?? Configuration, settings, options ?? (static () => Networks.Options), metrics,
            prepare ?? (static _ => throw new NotSupportedException()), refused: null, TimeProvider.System,
            NullLogger.Instance);
        agent.Start();
        await use(agent, datapath.Maps);
    }
}
