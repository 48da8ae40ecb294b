using System.Threading.Channels;
using OnCache.Agent.Bpf;
using OnCache.Agent.Configuration;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Rules;
using OnCache.Agent.Tests.Bpf;
using OnCache.Agent.Tests.Net;

namespace OnCache.Agent.Tests.Daemon;

/// <summary>The first turn on a node, in network namespaces: what must be known before the programs may go on.</summary>
public sealed class NodeAgentTests
{
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

        var running = node.Network.Run(() => NodeWithAgent.RunAsync(async (agent, _) =>
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

    private static AgentState Started(FlannelNode node)
    {
        AgentState? state = null;
        node.Network.Run(() => NodeWithAgent.RunAsync((agent, _) =>
        {
            state = agent.State;
            return Task.CompletedTask;
        })).GetAwaiter().GetResult();
        return state.ShouldNotBeNull();
    }

    private static unsafe FileDescriptor Attach(FlannelNode node, ForeignProgram program, string device, TcDirection direction)
    {
        var index = node.IfIndex(device);
        return node.Network.Run(() => new FileDescriptor(BpfException.Check(
            Interop.Libbpf.bpf_link_create(program.Descriptor, index, TcxAttacher.AttachType(direction), null), "attach")));
    }
}
