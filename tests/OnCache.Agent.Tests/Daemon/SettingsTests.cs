using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Rules;
using OnCache.Agent.Tests.Bpf;
using OnCache.Agent.Tests.Datapath.Faults;

namespace OnCache.Agent.Tests.Daemon;

/// <summary>Settings that change under running programs: in which order they are written, and what they make void.</summary>
public sealed class SettingsTests
{
    [Fact]
    public void Another_tunnel_is_written_only_after_running_programs_and_while_no_packet_is_ours()
    {
        using var stage = new NodeStage(tcx: false);
        var steps = new WatchedSteps();
        using var agent = stage.Start(steps, LoadedPrograms.Sizes);
        var before = agent.Datapath.Maps.Config[0];
        var seen = steps.AtEach("wait for running programs", () => (agent.Datapath.Maps.Config[0].TunnelPort, agent.Datapath.Maps.Config[0].TunnelId));
        var underlay = NodeStage.Plan.Underlay.Value!;

        agent.Turn(NodeStage.Plan with { Underlay = underlay with { Tunnel = underlay.Tunnel with { Vni = 2 } } }, NodeStage.Spec);

        before.TunnelPort.ShouldNotBe((ushort)0);
        seen.ShouldContain(((ushort)0, before.TunnelId), "withdrawn while programs are awaited");
        var after = agent.Datapath.Maps.Config[0];
        after.TunnelId.ShouldNotBe(before.TunnelId);
        after.TunnelPort.ShouldBe(before.TunnelPort);
        after.Epoch.ShouldNotBe(before.Epoch, "what was learned under the old one is void");
    }

    [Fact]
    public void An_exclusion_is_written_before_what_was_learned_without_it_is_void()
    {
        using var stage = new NodeStage(tcx: false);
        var steps = new WatchedSteps();
        using var agent = stage.Start(steps, LoadedPrograms.Sizes);
        var before = agent.Datapath.Maps.Config[0].Epoch;
        var seen = steps.AtEach($"write map {MapNames.ExcludedPorts}", () => agent.Datapath.Maps.Config[0].Epoch);

        agent.Turn(NodeStage.Plan, NodeStage.ChangedSpec);

        seen.ShouldBe([before]);
        agent.Datapath.Maps.Config[0].Epoch.ShouldNotBe(before);
    }

    [Fact]
    public void Another_lease_voids_what_was_learned_with_the_former()
    {
        using var stage = new NodeStage(tcx: false);
        using var agent = stage.Start(KernelSteps.Direct, LoadedPrograms.Sizes);
        var before = agent.Datapath.Maps.Config[0];

        agent.Turn(NodeStage.Plan, NodeStage.Spec with { Lease = NodeStage.Spec.Lease / 2 });

        agent.Datapath.Maps.Config[0].Lease.ShouldBe(before.Lease / 2);
        agent.Datapath.Maps.Config[0].Epoch.ShouldNotBe(before.Epoch);
    }

    [Fact]
    public void A_region_of_the_hosts_rules_voids_what_its_pods_learned_without_it()
    {
        using var stage = new NodeStage(tcx: false);
        using var agent = stage.Start(KernelSteps.Direct, LoadedPrograms.Sizes);
        agent.Datapath.Maps.EndpointIndex.TryGet(SlotIndex.ToNetwork(NodeStage.PodAddress), out var slot).ShouldBeTrue();
        var before = agent.Datapath.Maps.IngressCache[slot].Epoch;
        var pod = new RuledPod("first", "default/first", NodeStage.PodAddress, [], Respects: true);

        agent.Turn(NodeStage.Plan with { Regions = new RegionPlan([new HostRegion { Scope = RegionScope.Flows }], [], [pod]) }, NodeStage.Spec);

        agent.Datapath.Maps.Config[0].HostRegions.ShouldBe(1u);
        agent.Datapath.Maps.IngressCache[slot].Epoch.ShouldNotBe(before);
    }

    private sealed class WatchedSteps : IKernelSteps
    {
        private Action<string> _watch = static _ => { };

        /// <summary>What there is to see before each step of that name, from now on.</summary>
        public List<T> AtEach<T>(string step, Func<T> look)
        {
            var seen = new List<T>();
            _watch = name =>
            {
                if (name.StartsWith(step, StringComparison.Ordinal))
                {
                    seen.Add(look());
                }
            };
            return seen;
        }

        public int Try(string step, Func<int> call)
        {
            _watch(step);
            return call();
        }
    }
}
