using OnCache.Agent.Bpf;
using OnCache.Agent.Telemetry;
using OnCache.Api;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;

namespace OnCache.EndToEnd;

/// <summary>An agent comes, changes and goes: what stays in the kernel, what does not.</summary>
public sealed class LifecycleTests
{
    private const int Exchanges = 20;
    private const long Megabyte = 1 << 20;

    [Fact]
    public async Task Clsact_does_the_same_where_tcx_is_absent()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        await lab.StartAsync(options: ["--attach", "clsact"]);
        await using var conversation = new UdpConversation(lab.Client, lab.Server);

        await lab.LearnAsync(conversation);
        var (client, server) = await lab.CountAsync(conversation, Exchanges);

        client.ShouldBe(new Hits(Exchanges, Exchanges));
        server.ShouldBe(new Hits(Exchanges, Exchanges));
        (await lab.Agents[0].StatusAsync()).Capabilities.Attach.ShouldBe("clsact");
        Footprint.Of(lab.Agents[0].Node).ShouldNotContain(static line => line.Contains("tcx", StringComparison.Ordinal));

        foreach (var agent in lab.Agents)
        {
            await agent.RestartAsync(options: ["--attach", "clsact"]);
        }

        await lab.LearnAsync(conversation);
        foreach (var agent in lab.Agents)
        {
            await agent.StopAsync();
            await agent.UninstallAsync();
            Footprint.Of(agent.Node).ShouldBe(["liberal 0"]);
        }

        await conversation.ExchangeAsync(Exchanges);
    }

    [Fact]
    public async Task A_device_that_refuses_the_programs_waits_and_the_agent_goes_on_serving_the_others()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        await lab.StartAsync(options: ["--attach", "clsact"]);
        await lab.AcceleratedAsync();
        var agent = lab.AgentOf(lab.Client);
        var pod = await lab.Client.Node.AddPodAsync(TestContext.Current.CancellationToken);
        // Another kind of filter sits at our priority before we come.
        await pod.Node.DoAsync($"tc qdisc add dev {pod.HostInterface} clsact");
        await pod.Node.DoAsync($"tc filter add dev {pod.HostInterface} ingress prio 50000 protocol ip u32 match u32 0 0 flowid 1:1");

        await agent.ConfigureAsync(new AgentConfig());
        var status = await agent.UntilAsync(
            status => status.Endpoints.Count == 2 && LabAgent.EndpointOf(status, pod).State == EndpointState.Waiting
                && LabAgent.EndpointOf(status, pod).Reason!.Contains("--tc-priority", StringComparison.Ordinal),
            "aware of the occupied priority");

        LabAgent.EndpointOf(status, lab.Client).State.ShouldBe(EndpointState.Accelerated);
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);

        await pod.Node.DoAsync($"tc filter delete dev {pod.HostInterface} ingress prio 50000");
        await agent.UntilAsync(status => LabAgent.EndpointOf(status, pod).State == EndpointState.Accelerated, "attached after all");
    }

    [Fact]
    public async Task Changing_the_way_of_attachment_leaves_nothing_of_the_other_one()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        await lab.StartAsync(options: ["--attach", "clsact"]);
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);

        foreach (var agent in lab.Agents)
        {
            await agent.RestartAsync(options: ["--attach", "tcx"]);
            Footprint.Of(agent.Node).ShouldNotContain(static line => line.Contains(" filter ", StringComparison.Ordinal));
        }

        await lab.LearnAsync(conversation);
        foreach (var agent in lab.Agents)
        {
            await agent.RestartAsync(options: ["--attach", "clsact"]);
            Footprint.Of(agent.Node).ShouldNotContain(static line => line.Contains(" tcx ", StringComparison.Ordinal));
        }

        await lab.LearnAsync(conversation);
    }

    [Fact]
    public async Task A_restart_keeps_maps_and_links_and_replaces_the_programs()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync();
        var agent = lab.Agents[0];
        var (maps, links, programs) = (KernelIds.OfMaps(agent.Node), KernelIds.OfLinks(agent.Node), KernelIds.OfPrograms(agent.Node));

        await agent.RestartAsync();

        KernelIds.OfMaps(agent.Node).ShouldBe(maps);
        KernelIds.OfLinks(agent.Node).ShouldBe(links);
        KernelIds.OfPrograms(agent.Node).Values.ShouldAllBe(id => !programs.Values.Contains(id));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Other_sizes_take_other_maps_without_interrupting_anything(bool restart)
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync();
        await using var stream = await DuplexStream.OpenAsync(lab.Client, lab.Server, StreamPace.Steady);
        await stream.MoveOnAsync(Megabyte);
        var maps = KernelIds.OfMaps(lab.Agents[0].Node);

        var smaller = new AgentConfig { CacheSizes = "{ filter: 2048, egress: 7, ingress: 9 }" };
        await (restart ? lab.Agents[0].RestartAsync(smaller) : lab.Agents[0].ConfigureAsync(smaller));
        _ = await lab.Agents[0].UntilAsync(static status => status.Sizes.Ingress.Capacity == 9, "using the new sizes");

        KernelIds.OfMaps(lab.Agents[0].Node).Values.ShouldAllBe(id => !maps.Values.Contains(id));
        var sizes = (await lab.Agents[0].StatusAsync()).Sizes;
        (sizes.Filter.Capacity, sizes.Egress.Capacity, sizes.Ingress.Capacity).ShouldBe((2048, 7, 9));
        var before = await lab.Agents[0].HitsAsync(lab.Client);
        _ = await Eventually.ReadsAsync(
            () => lab.Agents[0].HitsAsync(lab.Client), now => (now - before).Both > 100, "the stream on the fast path");
        await stream.MoveOnAsync(Megabyte);
        await stream.StopAsync();
    }

    /// <summary>One write asks for what cannot be had and forbids something: the one is refused with a reason, the other is in force at once.</summary>
    [Fact]
    public async Task Sizes_for_which_the_memory_does_not_suffice_cost_nothing_and_what_comes_with_them_is_in_force()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync();
        var agent = lab.AgentOf(lab.Client);
        await using var excluded = new UdpConversation(lab.Client, lab.Server, 7001);
        await using var other = new UdpConversation(lab.Client, lab.Server, 7002);
        await lab.LearnAsync(excluded);
        await lab.LearnAsync(other);
        var maps = KernelIds.OfMaps(agent.Node);
        using (var limit = MemoryLimit.Of(256 << 20))
        {
            limit.Add(agent.ProcessId);

            await agent.ConfigureAsync(new AgentConfig { CacheSizes = "{ filter: 4194304 }", Exclusions = "{ ports: [{ protocol: UDP, port: 7001 }] }" });

            var hits = await agent.HitsAsync(lab.Client);
            await excluded.ExchangeAsync(Exchanges);
            (await agent.HitsAsync(lab.Client)).ShouldBe(hits, "what is excluded takes the CNI's path at once");
            var status = await agent.UntilAsync(static status => status.SizesRefused is not null, "aware that the memory does not suffice");
            status.SizesRefused!.Reason.ShouldBe(ConditionReason.InsufficientMemory);
            status.SizesRefused.Message.ShouldContain("filter 4194304");
            // The kernel was not tried: short of memory, it might end the agent.
            status.SizesRefused.Message.ShouldContain("the memory limit of 268.4 MB leaves");
            status.Ready.ShouldBeTrue();
            status.Sizes.Filter.Capacity.ShouldBe(65_536);
            KernelIds.OfMaps(agent.Node).ShouldBe(maps);
            await lab.LearnAsync(other);
            // Nor does a configuration that comes later wait for it.
            await agent.ConfigureAsync(new AgentConfig { CacheSizes = "{ filter: 4194304 }", Exclusions = "{ ports: [{ protocol: UDP, port: 7002 }] }" });
            await lab.LearnAsync(excluded);
        }

        await agent.ConfigureAsync(new AgentConfig { CacheSizes = "{ filter: 131072 }" });
        _ = await agent.UntilAsync(static status => status is { SizesRefused: null, Sizes.Filter.Capacity: 131_072 }, "using sizes that fit");
        await lab.LearnAsync(other);
    }

    [Fact]
    public async Task A_first_start_takes_the_largest_cache_that_fits()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        var agent = lab.AgentOf(lab.Client);
        using var limit = MemoryLimit.Of(400 << 20);
        var limited = Path.Combine(lab.Overlay.Folder, "limited");
        await File.WriteAllTextAsync(limited, $"#!/bin/sh\necho $$ > {limit.Members}\nexec {agent.Executable} \"$@\"\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(limited, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        agent.Executable = limited;

        await lab.StartAsync(new AgentConfig { CacheSizes = "{ filter: 4194304 }" });

        var status = await agent.StatusAsync();
        status.SizesRefused.ShouldNotBeNull().Reason.ShouldBe(ConditionReason.InsufficientMemory);
        status.Sizes.Filter.Capacity.ShouldBeInRange(65_536, 2_097_152);
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);
        await agent.StopAsync();
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    public async Task Uninstall_leaves_the_node_as_it_was(string liberal)
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        var agent = lab.Agents[0];
        Footprint.SetLiberal(agent.Node, liberal);
        using var foreign = ForeignProgram.Attach(agent.Node, agent.Node.UnderlayDevice, OnCache.Agent.Net.TcDirection.Ingress);
        await agent.Node.DoAsync($"tc qdisc add dev {agent.Node.UnderlayDevice} clsact");
        await agent.Node.DoAsync($"tc filter add dev {agent.Node.UnderlayDevice} egress prio 7 protocol ip u32 match u32 0 0 flowid 1:1");
        Directory.CreateDirectory(Path.Combine(agent.Node.BpfRoot, "others"));
        var before = Footprint.Of(agent.Node);

        await agent.StartAsync();
        Footprint.Liberal(agent.Node).ShouldBe("1");
        await agent.StopAsync();
        Footprint.Of(agent.Node).Count.ShouldBeGreaterThan(before.Count + 4);
        await agent.UninstallAsync();

        Footprint.Of(agent.Node).ShouldBe(before);
    }

    [Fact]
    public async Task Uninstall_twice_and_without_an_installation_does_nothing()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        var before = Footprint.Of(lab.Agents[0].Node);

        await lab.Agents[0].UninstallAsync();
        await lab.Agents[0].UninstallAsync();

        Footprint.Of(lab.Agents[0].Node).ShouldBe(before);
    }

    [Fact]
    public async Task Uninstall_and_a_second_agent_refuse_beside_a_running_agent()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync();
        var agent = lab.Agents[0];
        var before = Footprint.Of(agent.Node);

        var uninstall = await agent.RunVerbAsync("uninstall", "--pin-root", agent.Node.BpfRoot, "--socket", agent.Socket);
        var second = await agent.RunVerbAsync(agent.RunArguments());

        foreach (var refused in (OnCache.Lab.Namespaces.CommandResult[])[uninstall, second])
        {
            refused.ExitCode.ShouldBe(1);
            refused.Error.ShouldContain($"an agent already answers on {agent.Socket}");
            refused.Error.Trim().Split('\n').Length.ShouldBe(1);
        }

        Footprint.Of(agent.Node).ShouldBe(before);
        (await agent.StatusAsync()).Ready.ShouldBeTrue();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Without_an_agent_traffic_goes_on_by_the_overlay_after_the_deadline(bool killed)
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        await lab.StartAsync(options: ["--heartbeat-timeout", "1s"]);
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);
        var agent = lab.Agents[0];

        await (killed ? agent.KillAsync() : agent.StopAsync());

        using var reasons = new PinnedReasons(agent);
        _ = await Eventually.ReadsAsync(
            async () =>
            {
                await conversation.ExchangeAsync(1);
                return reasons.Read(Reason.AgentSilent);
            },
            static silent => silent is { Egress: > 0, Ingress: > 0 },
            "the deadline noticed");
        using var counters = new PinnedHits(agent);
        var (before, silent) = (counters.Read(), reasons.Read(Reason.AgentSilent));
        await conversation.ExchangeAsync(Exchanges);

        counters.Read().ShouldBe(before);
        (reasons.Read(Reason.AgentSilent).Egress - silent.Egress).ShouldBe((ulong)Exchanges);
        (reasons.Read(Reason.AgentSilent).Ingress - silent.Ingress).ShouldBe((ulong)Exchanges);

        await agent.StartAsync();
        await lab.LearnAsync(conversation);
    }
}
