using System.Diagnostics;
using System.Threading.Channels;
using OnCache.Agent.Bpf;
using OnCache.Agent.Coherence;
using OnCache.Agent.Configuration;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Telemetry;
using OnCache.Agent.Tests.Net;
using OnCache.Agent.Tests.Topology;
using OnCache.Agent.Topology;
using OnCache.Api;

namespace OnCache.Agent.Tests.Daemon;

/// <summary>The event loop of an agent: its heartbeat says that it turns, and what it flushes is held for the settle time.</summary>
public sealed class AgentLoopTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_long = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_settle = TimeSpan.FromMinutes(1);
    private static readonly Ipv4Address s_pod = Ipv4Address.Parse(FlannelNode.PodAddress);

    [Fact]
    public Task A_loop_that_hangs_lets_its_heartbeat_end() => InTurnThatHangs(TimeSpan.FromSeconds(1), static async (_, maps) =>
    {
        var deadline = Deadline(maps);
        await UntilAsync(() => MonotonicClock.Now() > deadline + MonotonicClock.Nanoseconds(TimeSpan.FromSeconds(1)), "a second after the deadline");

        Deadline(maps).ShouldBe(deadline);
    });

    [Fact]
    public Task No_beat_comes_before_what_is_queued_is_in_force() => InTurnThatHangs(s_long, static (before, maps) =>
    {
        Deadline(maps).ShouldBe(before, "of the beat that ended the first turn");
        return Task.CompletedTask;
    });

    [Fact]
    public async Task Full_connection_tracking_is_a_warning_until_it_has_room()
    {
        using var sysctl = new TemporaryFolder();
        Fill(1000);
        await RunningAsync(
            async (agent, _) =>
            {
                var full = ConntrackStatus.Of(1000, 1000, before: null);
                agent.ConntrackStatus.ShouldBe(full);
                agent.State!.Warnings.ShouldContain(full.Message);

                Fill(10);
                await UntilAsync(() => !agent.State!.Warnings.Contains(full.Message), "no warning any more");
                agent.ConntrackStatus.ShouldBe(ConntrackStatus.Of(10, 1000, before: null));
            },
            sysctl: sysctl.Path());

        void Fill(int entries)
        {
            File.WriteAllText(sysctl.Path("nf_conntrack_max"), "1000\n");
            File.WriteAllText(sysctl.Path("nf_conntrack_count"), $"{entries}\n");
        }
    }

    /// <summary>Whoever tells of the state waits for it, and looks at nothing meanwhile.</summary>
    [Fact]
    public async Task Who_follows_the_current_agent_has_news_of_each_that_takes_its_turn_and_of_what_it_publishes() => await OnNodeAsync(
        (agent, maps) => WithLoopAsync(agent, Channel.CreateUnbounded<AgentConfiguration>().Reader, async () =>
        {
            var current = new CurrentAgent();
            using (current.Use(agent, null!))
            {
                current.News.TryRead(out _).ShouldBeTrue("another agent");
                current.News.TryRead(out _).ShouldBeFalse();

                var before = current.State;
                agent.Flush(new FlushRequest());
                await UntilAsync(() => current.News.TryRead(out _), "news of a flush");
                current.State.ShouldNotBeSameAs(before);
            }

            agent.Flush(new FlushRequest());
            current.News.TryRead(out _).ShouldBeFalse("it is not current any more");
        }),
        new IdleAttacher(),
        NodeWithAgent.Configuration,
        s_long);

    [Fact]
    public async Task Defaults_of_the_kernel_that_cannot_be_read_for_a_moment_stay_as_they_were()
    {
        var reads = 0;
        UnderlayOptions Read() => Interlocked.Increment(ref reads) == 1 ? Networks.Options : throw new IOException("Too many open files");
        using var node = FlannelNode.Create();

        await node.Network.Run(() => NodeWithAgent.RunAsync(
            (agent, maps) => WithLoopAsync(agent, Channel.CreateUnbounded<AgentConfiguration>().Reader, async () =>
            {
                await UntilAsync(() => Volatile.Read(ref reads) > 1, "another look");
                var before = Deadline(maps);
                await UntilAsync(() => Deadline(maps) > before, "a beat after it");
            }),
            new IdleAttacher(),
            heartbeat: TimeSpan.FromSeconds(1),
            options: Read));
    }

    /// <summary>Whoever waits for a generation must not see it before its sizes are in force, or known to be refused.</summary>
    [Fact]
    public async Task A_generation_counts_as_observed_once_the_caches_it_asks_for_are_there_or_refused()
    {
        const int OutOfMemory = 12;
        using var decided = new ManualResetEventSlim();
        using var node = FlannelNode.Create();
        var bigger = WithFilter(2) with { Generation = 2 };
        await node.Network.Run(() => NodeWithAgent.RunAsync(
            async (agent, _) =>
            {
                var configurations = Channel.CreateUnbounded<AgentConfiguration>();
                agent.State!.ObservedGeneration.ShouldBe(1);
                await WithLoopAsync(agent, configurations.Reader, async () =>
                {
                    try
                    {
                        await configurations.Writer.WriteAsync(bigger);
                        await UntilAsync(() => agent.State.Configuration.Generation == 2, "all but the sizes in force");
                        agent.State.ObservedGeneration.ShouldBe(1);
                    }
                    finally
                    {
                        decided.Set();
                    }

                    await UntilAsync(() => agent.State.ObservedGeneration == 2, "the sizes refused");
                    agent.State.SizesRefused.ShouldNotBeNull().Reason.ShouldBe(ConditionReason.InsufficientMemory);

                    await configurations.Writer.WriteAsync(bigger with { Generation = 3 });
                    await UntilAsync(() => agent.State.ObservedGeneration == 3, "the same sizes, known to be refused");

                    decided.Reset();
                    try
                    {
                        await configurations.Writer.WriteAsync(WithFilter(4) with { Uid = "made again", Generation = 1 });
                        await UntilAsync(() => agent.State.Configuration.Uid is not null, "another object in force");
                        agent.State.ObservedGeneration.ShouldBe(0);
                    }
                    finally
                    {
                        decided.Set();
                    }

                    await UntilAsync(() => agent.State.ObservedGeneration == 1, "the sizes of that object refused");
                });
            },
            new IdleAttacher(),
            NodeWithAgent.Configuration with { Generation = 1 },
            s_long,
            prepare: _ =>
            {
                decided.Wait(s_patience).ShouldBeTrue();
                throw new BpfException("create map filter_cache", OutOfMemory);
            }));

        static AgentConfiguration WithFilter(int times)
        {
            var node = NodeWithAgent.Configuration.Node;
            return NodeWithAgent.Configuration with
            {
                Node = node with { Spec = node.Spec with { CacheSizes = node.Spec.CacheSizes with { Filter = times * node.Spec.CacheSizes.Filter } } },
            };
        }
    }

    /// <summary>The kernel takes the mark of a fixed neighbour away from one that is asked for (NTF_USE).</summary>
    [Fact]
    public async Task Neighbours_in_use_that_somebody_has_fixed_stay_fixed()
    {
        var asked = TimeSpan.FromMilliseconds(300);
        using var sysctl = new TemporaryFolder();
        using var node = FlannelNode.Create();
        var before = Fixed();
        File.WriteAllText(sysctl.Path("nf_conntrack_max"), "1000\n");
        await node.Network.Run(() => NodeWithAgent.RunAsync(
            (agent, _) => WithLoopAsync(agent, Channel.CreateUnbounded<AgentConfiguration>().Reader, async () =>
            {
                // What the agent looks at each time it keeps house.
                File.WriteAllText(sysctl.Path("nf_conntrack_count"), "7\n");
                await UntilAsync(() => agent.ConntrackStatus?.Entries == 7, "house kept");
                await Task.Delay(asked);
            }),
            new IdleAttacher(),
            NodeWithAgent.Configuration,
            s_long,
            sysctl.Path()));

        before.Length.ShouldBeGreaterThan(2);
        Fixed().ShouldBe(before);

        string[] Fixed() => [.. node.Network.Ip("neighbour show nud permanent").Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];
    }

    /// <summary>The kernel answers under a lock that others may hold for seconds, one device after the other.</summary>
    [Fact]
    public async Task The_heartbeat_waits_for_no_look_at_devices()
    {
        const int Beats = 5;
        using var asked = new ManualResetEventSlim();
        using var answers = new ManualResetEventSlim(initialState: true);
        var attacher = new IdleAttacher
        {
            Looking = () =>
            {
                if (!answers.IsSet)
                {
                    asked.Set();
                    answers.Wait(s_patience).ShouldBeTrue();
                }
            },
        };
        await OnNodeAsync(
            (agent, maps) => WithLoopAsync(agent, Channel.CreateUnbounded<AgentConfiguration>().Reader, async () =>
            {
                answers.Reset();
                try
                {
                    (await Task.Run(() => asked.Wait(s_patience))).ShouldBeTrue("somebody looks");
                    for (var i = 0; i < Beats; i++)
                    {
                        var before = Deadline(maps);
                        await UntilAsync(() => Deadline(maps) > before, "a beat while the look goes on");
                    }
                }
                finally
                {
                    answers.Set();
                }
            }),
            attacher,
            NodeWithAgent.Configuration,
            TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task A_flush_that_an_event_leads_to_holds_learning_for_the_settle_time(bool everything) => WithAgentAsync((agent, maps) =>
    {
        var before = MonotonicClock.Now();

        agent.Carry(
            new FlushPlan(FlushCause.NetworkPolicyAdded, "NetworkPolicy shop/db", everything ? null : [new FlushTarget("uid", s_pod)], Settle: true),
            new FlushTiming(Stopwatch.GetTimestamp()));

        MustBeHeld(maps, before);
        return Task.CompletedTask;
    });

    [Theory]
    [InlineData(null)]
    [InlineData("shop/web")]
    public Task A_flush_on_request_holds_learning_for_the_settle_time(string? endpoint) => RunningAsync(async (agent, maps) =>
    {
        var before = MonotonicClock.Now();

        (await Task.Run(() => agent.Flush(new FlushRequest { Endpoint = endpoint })).WaitAsync(s_patience, TestContext.Current.CancellationToken))
            .Endpoints.ShouldBe(1);

        MustBeHeld(maps, before);
    });

    [Fact]
    public Task A_late_beat_holds_learning_for_the_settle_time() => RunningAsync(async (agent, maps) =>
    {
        var before = MonotonicClock.Now();
        maps.Config[0].HeartbeatDeadline = 1;

        // Whatever is queued makes the loop go round.
        agent.Carry(new FlushPlan(FlushCause.PodLabelsChanged, "pod", [], Settle: false), new FlushTiming(Stopwatch.GetTimestamp()));

        // Not by the last flush: another one may follow at once.
        await UntilAsync(() => Deadline(maps) > 1, "the late beat");
        MustBeHeld(maps, before);
    });

    [Fact]
    public async Task What_a_flush_took_back_of_a_proof_is_back_after_the_next_turn()
    {
        using var sysctl = new TemporaryFolder();
        await File.WriteAllTextAsync(sysctl.Path("nf_conntrack_tcp_be_liberal"), "1", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(sysctl.Path("nf_conntrack_tcp_loose"), "1", TestContext.Current.CancellationToken);
        var configuration = NodeWithAgent.Configuration with { Local = NodeWithAgent.Configuration.Local with { NetworkPolicies = [] } };

        await RunningAsync(
            async (agent, maps) =>
            {
                await UntilAsync(() => IsProven(maps), "the proof after the flush of the start");

                agent.Carry(
                    new FlushPlan(FlushCause.PodLabelsChanged, "pod shop/web", [new FlushTarget("uid", s_pod)], Settle: true),
                    new FlushTiming(Stopwatch.GetTimestamp()));

                await UntilAsync(() => IsProven(maps), "the proof after the flush of an event");
            },
            configuration,
            sysctl.Path());
    }

    /// <summary>Runs <paramref name="look"/> while a turn hangs; it gets the deadline of before that turn.</summary>
    private static async Task InTurnThatHangs(TimeSpan heartbeat, Func<ulong, DatapathMaps, Task> look)
    {
        using var hangs = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        var attacher = new IdleAttacher
        {
            Detaching = () =>
            {
                hangs.Set();
                goOn.Wait(s_patience).ShouldBeTrue();
            },
        };
        await OnNodeAsync(
            async (agent, maps) =>
            {
                // Queued before the loop runs, so that nothing is before it. Without policies the programs are taken off the pod.
                var configurations = Channel.CreateUnbounded<AgentConfiguration>();
                await configurations.Writer.WriteAsync(
                    NodeWithAgent.Configuration with { Node = NodeWithAgent.Configuration.Node with { Spec = NodeWithAgent.Configuration.Node.Spec with { Policies = [] } } });
                var before = Deadline(maps);
                await WithLoopAsync(agent, configurations.Reader, async () =>
                {
                    try
                    {
                        (await Task.Run(() => hangs.Wait(s_patience))).ShouldBeTrue("the turn reached the attacher");
                        await look(before, maps);
                    }
                    finally
                    {
                        goOn.Set();
                    }
                });
            },
            attacher,
            NodeWithAgent.Configuration,
            heartbeat);
    }

    private static Task WithAgentAsync(Func<NodeAgent, DatapathMaps, Task> use) =>
        OnNodeAsync(use, new IdleAttacher(), WithSettle(NodeWithAgent.Configuration), s_long);

    private static Task RunningAsync(Func<NodeAgent, DatapathMaps, Task> use, AgentConfiguration? configuration = null, string? sysctl = null) => OnNodeAsync(
        (agent, maps) => WithLoopAsync(agent, Channel.CreateUnbounded<AgentConfiguration>().Reader, () => use(agent, maps)),
        new IdleAttacher(),
        WithSettle(configuration ?? NodeWithAgent.Configuration),
        s_long,
        sysctl);

    private static async Task OnNodeAsync(
        Func<NodeAgent, DatapathMaps, Task> use, IdleAttacher attacher, AgentConfiguration configuration, TimeSpan heartbeat, string? sysctl = null)
    {
        using var node = FlannelNode.Create();
        await node.Network.Run(() => NodeWithAgent.RunAsync(use, attacher, configuration, heartbeat, sysctl));
    }

    private static async Task WithLoopAsync(NodeAgent agent, ChannelReader<AgentConfiguration> configurations, Func<Task> use)
    {
        using var stop = new CancellationTokenSource();
        var never = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var loop = Task.Run(() => agent.RunAsync(
            Channel.CreateUnbounded<NetworkChange>().Reader, configurations.ReadAllAsync(CancellationToken.None), never.Task, stop.Token));
        try
        {
            await use();
        }
        finally
        {
            await stop.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(loop);
        }
    }

    private static AgentConfiguration WithSettle(AgentConfiguration configuration) =>
        configuration with { Node = configuration.Node with { Spec = configuration.Node.Spec with { Settle = s_settle } } };

    private static void MustBeHeld(DatapathMaps maps, ulong since) =>
        Entry(maps).LearnAfter.ShouldBeGreaterThanOrEqualTo(since + MonotonicClock.Nanoseconds(s_settle));

    private static bool IsProven(DatapathMaps maps) => Entry(maps).Flags.HasFlag(EndpointFlags.Portless);

    private static ulong Deadline(DatapathMaps maps) => Volatile.Read(ref maps.Config[0].HeartbeatDeadline);

    private static IngressEntry Entry(DatapathMaps maps)
    {
        maps.EndpointIndex.TryGet(SlotIndex.ToNetwork(s_pod), out var slot).ShouldBeTrue();
        return maps.IngressCache[slot];
    }

    private static async Task UntilAsync(Func<bool> condition, string what)
    {
        var started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Stopwatch.GetElapsedTime(started).ShouldBeLessThan(s_patience, what);
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }
}
