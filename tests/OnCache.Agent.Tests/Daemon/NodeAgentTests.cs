using System.Diagnostics;
using System.Net;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Agent.Bpf;
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
using OnCache.Api;

namespace OnCache.Agent.Tests.Daemon;

/// <summary>The first turn on a node, in network namespaces: what must be known before the programs may go on.</summary>
public sealed class NodeAgentTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Fact]
    public void Programs_of_others_count_from_the_first_turn_on()
    {
        using var node = FlannelNode.Create();
        using var theirs = new ForeignProgram();
        using var link = Attach(node, theirs, FlannelNode.PodVeth, TcDirection.Egress);

        var state = Started(node);

        state.HostRules.Rules.ShouldHaveSingleItem().Rule.ShouldBe($"tcx program {ForeignProgram.Name} at the egress of pods' veths");
        state.Plan.Regions.Ruled.ShouldHaveSingleItem().Name.ShouldBe("shop/web");
    }

    [Fact]
    public void Where_marks_are_read_nothing_goes_on_before_the_rules_were_read_for_them()
    {
        using var node = FlannelNode.Create();
        node.Network.Tc("qdisc add dev eth0 root tbf rate 1gbit burst 1mb latency 50ms");

        var state = Started(node);

        state.Plan.Regions.Ruled.ShouldHaveSingleItem();
        state.HostRules.Rules.ShouldBeEmpty();
    }

    [Fact]
    public void On_a_node_of_its_own_nothing_is_kept_off()
    {
        using var node = FlannelNode.Create();

        Started(node).Plan.Regions.Entries.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_fails_beside_the_agent_ends_it()
    {
        using var node = FlannelNode.Create();
        // Before the loop first looks around: its threads are not those of the namespace.
        using var stop = new CancellationTokenSource(HostRulesMonitor.Look - TimeSpan.FromSeconds(1));
        AgentState? state = null;

        var running = node.Network.Run(() => WithAgent(async agent =>
        {
            state = agent.State;
            await agent.RunAsync(
                Channel.CreateUnbounded<NetworkChange>().Reader,
                Channel.CreateUnbounded<AgentConfiguration>().Reader.ReadAllAsync(CancellationToken.None),
                Task.FromException(new InvalidDataException("beside")),
                stop.Token);
        }));

        (await Should.ThrowAsync<InvalidDataException>(running)).Message.ShouldBe("beside");
        _ = state.ShouldNotBeNull();
    }

    /// <summary>The kernel answers under a lock that others may hold for seconds, one device after the other.</summary>
    [Fact]
    public async Task The_heartbeat_waits_for_no_look_at_devices()
    {
        using var node = FlannelNode.Create();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var attacher = new StalledAttacher();

        var running = node.Network.Run(() => WithAgent(
            async (agent, datapath) =>
            {
                attacher.Stall();
                var loop = agent.RunAsync(
                    Channel.CreateUnbounded<NetworkChange>().Reader,
                    Channel.CreateUnbounded<AgentConfiguration>().Reader.ReadAllAsync(CancellationToken.None),
                    new TaskCompletionSource().Task,
                    stop.Token);
                await attacher.Asked.WaitAsync(s_limit, TestContext.Current.CancellationToken);
                var (beats, last) = (0, Deadline(datapath));
                var started = Stopwatch.GetTimestamp();
                while (beats < 5 && Stopwatch.GetElapsedTime(started) < s_limit)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(10), TestContext.Current.CancellationToken);
                    var now = Deadline(datapath);
                    beats += now > last ? 1 : 0;
                    last = now;
                }

                beats.ShouldBe(5, "it is renewed while the look goes on");
                attacher.GoOn();
                await stop.CancelAsync();
                await loop.ContinueWith(static _ => { }, TaskScheduler.Default);
            },
            attacher.Over));
        await running;

        static ulong Deadline(LoadedDatapath datapath) => Volatile.Read(ref datapath.Maps.Config[0].HeartbeatDeadline);
    }

    private static AgentState Started(FlannelNode node)
    {
        AgentState? state = null;
        node.Network.Run(() => WithAgent(agent =>
        {
            state = agent.State;
            return Task.CompletedTask;
        })).GetAwaiter().GetResult();
        return state.ShouldNotBeNull();
    }

    private static Task WithAgent(Func<NodeAgent, Task> use) => WithAgent((agent, _) => use(agent), static attacher => attacher);

    private static async Task WithAgent(Func<NodeAgent, LoadedDatapath, Task> use, Func<IProgramAttacher, IProgramAttacher> over)
    {
        using var file = new BpfFileSystem();
        using var datapath = LoadedPrograms.Load(file);
        Assert.SkipUnless(LoadedPrograms.RequireKernel().Tcx, "needs a kernel with tcx (6.6)");
        using var neighbours = NeighbourAsker.Start(NullLogger.Instance);
        using var rules = HostRulesMonitor.Start(static index => $"{index}");
        using var metrics = new CoherenceMetrics();
        var settings = new AgentSettings { HeartbeatTimeout = TimeSpan.FromSeconds(1) };
        var agent = new NodeAgent(
            datapath, over(new TcxAttacher(LoadedPrograms.Pins(file).Links)), NetworkSnapshotReader.Read(), neighbours, new ConntrackSysctl(file.Root), rules, Configuration(),
            settings, Networks.Options, metrics, static _ => throw new NotSupportedException(), refused: null, TimeProvider.System, NullLogger.Instance);
        agent.Start();
        await use(agent, datapath);
    }

    private static unsafe FileDescriptor Attach(FlannelNode node, ForeignProgram program, string device, TcDirection direction)
    {
        var index = node.IfIndex(device);
        return node.Network.Run(() => new FileDescriptor(BpfException.Check(
            Interop.Libbpf.bpf_link_create(program.Descriptor, index, TcxAttacher.AttachType(direction), null), "attach")));
    }

    private static AgentConfiguration Configuration() => new(
        new NodeCacheConfig(new ObjectMeta("n1"), new NodeCacheConfigSpec
        {
            Policies = [new CachePolicy { Name = "all" }],
            CacheSizes = new CacheSizes { Filter = LoadedPrograms.Sizes.Filter, Egress = LoadedPrograms.Sizes.Egress, Ingress = LoadedPrograms.Sizes.Ingress },
        }),
        new LocalEndpoints(
            new ObjectMeta("n1"),
            [new LocalNamespace("shop", new Dictionary<string, string>(StringComparer.Ordinal))],
            [new LocalEndpoint { Name = "web", Namespace = "shop", Uid = "uid", Ip = IPAddress.Parse(FlannelNode.PodAddress) }]));

    /// <summary>Does as another, but has no answer for a while.</summary>
    private sealed class StalledAttacher : IProgramAttacher, IDisposable
    {
        private readonly ManualResetEventSlim _answers = new(initialState: true);
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private IProgramAttacher? _inner;

        public Task Asked => _asked.Task;

        public string Name => Inner.Name;

        private IProgramAttacher Inner => _inner!;

        public StalledAttacher Over(IProgramAttacher inner)
        {
            _inner = inner;
            return this;
        }

        public void Stall() => _answers.Reset();

        public void GoOn() => _answers.Set();

        public void Attach(int ifIndex, string program, TcDirection direction, int programFd) => Inner.Attach(ifIndex, program, direction, programFd);

        public void Detach(int ifIndex, string program, TcDirection direction) => Inner.Detach(ifIndex, program, direction);

        public bool IsAttached(int ifIndex, string program, TcDirection direction, uint programId)
        {
            Wait();
            return true;
        }

        public bool IsBeforeOurs(TcFilter filter) => Inner.IsBeforeOurs(filter);

        public IReadOnlyList<uint> Others(int ifIndex, TcDirection direction, bool behindOurs, IReadOnlySet<uint> ours)
        {
            Wait();
            return [];
        }

        public IReadOnlyCollection<int> AttachedDevices() => Inner.AttachedDevices();

        public void Dispose()
        {
            _answers.Set();
            _answers.Dispose();
        }

        private void Wait()
        {
            if (!_answers.IsSet)
            {
                _asked.TrySetResult();
            }

            _answers.Wait();
        }
    }
}
