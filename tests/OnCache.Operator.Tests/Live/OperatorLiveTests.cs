using System.Text.Json;
using System.Text.Json.Nodes;
using OnCache.Api;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Serialization;
using OnCache.Lab;
using OnCache.Operator.Controllers;

namespace OnCache.Operator.Tests.Live;

/// <summary>The operator against a real API server; the test plays the agents. One cluster, so one test after another.</summary>
[Collection("live")]
public sealed class OperatorLiveTests(LiveServer server) : IAsyncLifetime
{
    public async ValueTask InitializeAsync()
    {
        await server.RequireAsync();
        foreach (var node in new[] { "n1", "n2" })
        {
            _ = await server.Client.CreateAsync(new V1Node { Metadata = new V1ObjectMeta { Name = node, Labels = new Dictionary<string, string>(StringComparer.Ordinal) { ["kubernetes.io/os"] = "linux" } } });
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (server.Kubeconfig.Length == 0)
        {
            return;
        }

        _ = await server.KubectlAsync("", "delete", "ocp", "--all", Liveness.KubectlTimeout);
        _ = await server.KubectlAsync("", "delete", "node,ncc", "--all");
        _ = await server.KubectlAsync("", "delete", "lease", "--all", "-n", "oncache-system");
    }

    [Fact]
    public async Task A_policy_reaches_the_nodes_becomes_ready_and_goes_at_once()
    {
        await using var running = RunningOperator.Start(server);
        await server.MustAsync("", "apply", "-f", Path.Combine(AppContext.BaseDirectory, "config/samples/minimal.yaml"));

        await AgentReportsAsync("n1", "everything", accelerated: 3);
        var pending = await PolicyAsync("everything", status => status.Nodes.Programmed == 1);
        pending.Conditions.ShouldContain(condition => condition.Type == ConditionType.Reconciling);
        pending.Message.ShouldNotBeNull().ShouldStartWith("node n2: ");

        await AgentReportsAsync("n2", "everything", accelerated: 2);
        await server.MustAsync("", "wait", "--for=condition=Ready", Liveness.KubectlTimeout, "ocp/everything");
        (await server.MustAsync("", "get", "ocp")).ShouldMatch(@"NAME +MODE +PRIORITY +READY +REASON +NODES +PROGRAMMED +ACCELERATED +AGE\neverything +Accelerate +0 +True +Programmed +2 +2 +5 ");
        foreach (var time in (await server.MustAsync("", "get", "ocp/everything", "ncc/n1", "-o", "jsonpath={.items[*].status.conditions[*].lastTransitionTime}")).Split(' '))
        {
            DateTime.TryParseExact(time, "yyyy-MM-dd'T'HH:mm:ss'Z'", null, System.Globalization.DateTimeStyles.None, out _).ShouldBeTrue(time);
        }

        await Eventually.HoldsAsync("the events", async () =>
            await server.MustAsync("", "describe", "ocp", "everything") is var told
            && told.Contains("Accepted", StringComparison.Ordinal)
            && told.Contains("in force on 2 nodes", StringComparison.Ordinal)
            && System.Text.RegularExpressions.Regex.Count(told, "Normal +Programmed") == 1);
        (await server.MustAsync("", "get", "ncc", "n1")).ShouldMatch(@"NAME +READY +REASON +ACCELERATED +DISABLED +ATTACH +AGE\nn1 +True +Programmed +3 ");

        // No agent has to say anything.
        await server.MustAsync("", "delete", "ocp", "everything", Liveness.KubectlTimeout);
        foreach (var node in new[] { "n1", "n2" })
        {
            _ = await ConfigAsync(node, config => config.Spec.Policies.Count == 0);
        }
    }

    [Fact]
    public async Task A_configuration_that_is_gone_is_not_made_again_by_a_write_that_is_meant_for_it()
    {
        var writer = new ClusterWriter(server.Client);
        var config = new V1Alpha1NodeCacheConfig { Metadata = new V1ObjectMeta { Name = "n1", Uid = "0b5c4a6e-6a3f-4a0e-9d0f-0f6f3a6f6a11" } };

        await Should.ThrowAsync<KubernetesException>(() => writer.ApplyAsync(config, TestContext.Current.CancellationToken));
        (await server.Client.GetAsync<V1Alpha1NodeCacheConfig>(NamespacedName.ClusterScoped("n1"), TestContext.Current.CancellationToken)).ShouldBeNull();

        await writer.ApplyAsync(config with { Metadata = config.Metadata with { Uid = null }, Spec = new() { Policies = [new CachePolicy { Name = "p" }] } }, TestContext.Current.CancellationToken);
        _ = await ConfigAsync("n1", config => config.Spec.Policies.Count == 1);
    }

    [Fact]
    public async Task The_finalizer_of_an_earlier_release_is_taken_off_and_holds_no_deletion_up()
    {
        await server.MustAsync(Held("kept"), "apply", "-f", "-");
        await server.MustAsync(Held("deleted"), "apply", "-f", "-");
        await server.MustAsync("", "delete", "ocp", "deleted", "--wait=false");
        await using var running = RunningOperator.Start(server);

        await Eventually.HoldsAsync("the end of the deleted policy", async () =>
            await server.Client.GetAsync<V1Alpha1OverlayCachePolicy>(NamespacedName.ClusterScoped("deleted")) is null);
        await Eventually.HoldsAsync("only another's finalizer on the other", async () =>
            await server.MustAsync("", "get", "ocp", "kept", "-o", "jsonpath={.metadata.finalizers}") == """["example.com/other"]""");
        await server.MustAsync("", "patch", "ocp", "kept", "--type=merge", "-p", """{"metadata":{"finalizers":null}}""");

        static string Held(string name) =>
            $$"""
            apiVersion: oncache.io/v1alpha1
            kind: OverlayCachePolicy
            metadata: { name: {{name}}, finalizers: [ oncache.io/flush{{(name == "kept" ? ", example.com/other" : "")}} ] }
            spec: {}
            """;
    }

    [Fact]
    public async Task Another_replica_takes_over_and_finds_what_happened_in_between()
    {
        await using (RunningOperator.Start(server, "first"))
        {
            await server.MustAsync("", "apply", "-f", Path.Combine(AppContext.BaseDirectory, "config/samples/minimal.yaml"));
            _ = await ConfigAsync("n1", config => config.Spec.Policies.Count == 1);
        }

        await server.MustAsync("", "apply", "-f", Path.Combine(AppContext.BaseDirectory, "config/samples/per-namespace.yaml"));
        await server.MustAsync("", "delete", "node", "n2");
        await using var second = RunningOperator.Start(server, "second");

        var config = await ConfigAsync("n1", config => config.Spec.Policies.Count == 2);
        config.Spec.Policies.Select(policy => policy.Name).ShouldBe(["shop", "everything"]);
        config.Spec.Exclusions.CidrTexts.ShouldBe(["10.20.0.0/16"]);
        await Eventually.HoldsAsync("the end of the configuration", async () =>
            await server.Client.GetAsync<V1Alpha1NodeCacheConfig>(NamespacedName.ClusterScoped("n2")) is null);
    }

    [Fact]
    public async Task A_rule_of_a_host_is_told_once_and_by_no_other_replica_again()
    {
        await using (RunningOperator.Start(server, "first"))
        {
            await server.MustAsync("", "apply", "-f", Path.Combine(AppContext.BaseDirectory, "config/samples/minimal.yaml"));
            await AgentReportsAsync("n1", "everything");
            _ = await PolicyAsync("everything", status => status.Nodes.Programmed == 1);
            await AgentReportsAsync("n1", "everything", rule: new NodeHostRule("counter packets", "counts packets", HostRuleScope.Flows, 2));
            await Eventually.HoldsAsync("the event", async () => await EventsAsync() == 1);
        }

        await using var second = RunningOperator.Start(server, "second");
        await AgentReportsAsync("n2", "everything");
        _ = await PolicyAsync("everything", status => status.Nodes.Programmed == 2);
        (await EventsAsync()).ShouldBe(1);

        async Task<int> EventsAsync() => System.Text.RegularExpressions.Regex.Count(
            await server.MustAsync("", "describe", "ncc", "n1"),
            @"Warning +HostRules .*flows of 2 pods on node n1 stay on the CNI's path for a rule of the host \(counts packets\): counter packets");
    }

    [Fact]
    public async Task An_idle_cluster_costs_no_write()
    {
        await using var running = RunningOperator.Start(server);
        await server.MustAsync("", "apply", "-k", Path.Combine(AppContext.BaseDirectory, "config/samples"));
        foreach (var node in new[] { "n1", "n2" })
        {
            // All of the samples, so that no report is on a configuration that the next one of them replaces.
            _ = await ConfigAsync(node, config => config.Spec is { Policies.Count: 3, Exclusions.Ports.Count: 1 });
        }

        await AgentReportsAsync("n1", "everything");
        await AgentReportsAsync("n2", "everything");
        _ = await PolicyAsync("everything", status => status.Nodes.Programmed == 2);
        await Task.Delay(2000, TestContext.Current.CancellationToken);

        var before = await VersionsAsync();
        await Task.Delay(7000, TestContext.Current.CancellationToken);

        (await VersionsAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task A_storm_of_other_writers_ends_in_what_the_policy_asks_at_a_bounded_price()
    {
        const int Storm = 25;
        await using var running = RunningOperator.Start(server);
        await server.MustAsync("", "apply", "-f", Path.Combine(AppContext.BaseDirectory, "config/samples/minimal.yaml"));
        await AgentReportsAsync("n1", "everything", accelerated: 1);
        await AgentReportsAsync("n2", "everything", accelerated: 1);
        await server.MustAsync("", "wait", "--for=condition=Ready", Liveness.KubectlTimeout, "ocp/everything");
        var wanted = await ConfigAsync("n1", config => config.Spec.Policies.Count == 1);
        var policy = NamespacedName.ClusterScoped("everything");

        for (var gust = 1; gust <= Storm; gust++)
        {
            var config = new JsonObject
            {
                ["spec"] = new JsonObject { ["lease"] = $"{100 + gust}s", ["exclusions"] = new JsonObject { ["namespaces"] = new JsonArray("storm") } },
            };
            _ = await server.Client.PatchAsync<V1Alpha1NodeCacheConfig>(NamespacedName.ClusterScoped("n1"), config, TestContext.Current.CancellationToken);
            var note = new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["storm"] = $"{gust}" } } };
            _ = await server.Client.PatchAsync<V1Alpha1OverlayCachePolicy>(policy, note, TestContext.Current.CancellationToken);
            var forgery = new JsonObject { ["status"] = new JsonObject { ["message"] = $"storm {gust}" } };
            _ = await server.Client.PatchStatusAsync<V1Alpha1OverlayCachePolicy>(policy, forgery, TestContext.Current.CancellationToken);
        }

        var after = await ConfigAsync("n1", config => Text(config) == Text(wanted));
        // For each of theirs an apply and a replacement at most; several of theirs may be one turn of ours.
        (after.Metadata.Generation!.Value - wanted.Metadata.Generation!.Value).ShouldBeInRange(Storm + 1, 3 * Storm);
        await AgentReportsAsync("n1", "everything", accelerated: 1);
        var status = await PolicyAsync("everything", status => status is { Message: null, Nodes: { Selected: 2, Programmed: 2, Failed: 0 } });
        status.Conditions.Single(condition => condition.Type == ConditionType.Ready).Status.ShouldBe(ConditionStatus.True);
        await Task.Delay(2000, TestContext.Current.CancellationToken);
        var calm = await VersionsAsync();
        await Task.Delay(3000, TestContext.Current.CancellationToken);
        (await VersionsAsync()).ShouldBe(calm);

        static string Text(V1Alpha1NodeCacheConfig config) => JsonSerializer.Serialize(config.Spec, KubernetesJson.Options);
    }

    [Fact]
    public async Task A_losing_policy_says_whose()
    {
        await using var running = RunningOperator.Start(server);
        await server.MustAsync(
            """
            apiVersion: oncache.io/v1alpha1
            kind: OverlayCachePolicy
            metadata: { name: loser }
            spec: { priority: -1, namespaces: { names: [ shop ] } }
            """,
            "apply", "-f", "-", "-f", Path.Combine(AppContext.BaseDirectory, "config/samples/minimal.yaml"));

        await server.MustAsync("", "wait", "--for=condition=Stalled", Liveness.KubectlTimeout, "ocp/loser");
        var status = await PolicyAsync("loser", status => status.Conditions.Count > 0);
        status.Conditions.Single(condition => condition.Type == ConditionType.Accepted).Reason.ShouldBe(ConditionReason.Conflicted);
        status.Message.ShouldNotBeNull().ShouldContain("policy everything (priority 0)");
        status.Conditions.Single(condition => condition.Type == ConditionType.Ready).Status.ShouldBe(ConditionStatus.False);
        status.Conditions.ShouldAllBe(condition => condition.ObservedGeneration == 1);
        (await server.MustAsync("", "get", "ocp", "loser")).ShouldMatch(@"NAME +MODE +PRIORITY +READY +REASON +NODES +PROGRAMMED +ACCELERATED +AGE\nloser +Accelerate +-1 +False +Conflicted +2 +0 +0 ");
    }

    [Fact]
    public async Task A_policy_that_got_past_the_gates_says_what_is_wrong_until_it_is_mended()
    {
        await using var running = RunningOperator.Start(server);
        await server.MustAsync(Lease("1ms"), "apply", "-f", "-");

        await server.MustAsync("", "wait", "--for=condition=Stalled", Liveness.KubectlTimeout, "ocp/mended");
        var status = await PolicyAsync("mended", status => status.Conditions.Count > 0);
        status.Conditions.Where(condition => condition.Type is ConditionType.Accepted or ConditionType.Ready)
            .ShouldAllBe(condition => condition.Status == ConditionStatus.False && condition.Reason == ConditionReason.Invalid);
        status.Message.ShouldBe("spec.lease: 1ms is out of range; use 1s to 10m");

        await server.MustAsync(Lease("1s"), "apply", "-f", "-");
        var mended = await PolicyAsync("mended", status => status.ObservedGeneration == 2);
        mended.Conditions.ShouldNotContain(condition => condition.Type == ConditionType.Stalled);
        mended.Conditions.ShouldAllBe(condition => condition.ObservedGeneration == 2);

        static string Lease(string lease) =>
            $$"""
            apiVersion: oncache.io/v1alpha1
            kind: OverlayCachePolicy
            metadata: { name: mended }
            spec: { lease: {{lease}} }
            """;
    }

    private async Task<V1Alpha1NodeCacheConfig> ConfigAsync(string node, Predicate<V1Alpha1NodeCacheConfig> until) =>
        await Eventually.GetAsync($"the configuration of {node}", async () =>
            await server.Client.GetAsync<V1Alpha1NodeCacheConfig>(NamespacedName.ClusterScoped(node)) is { } config && until(config) ? config : null);

    private async Task<OverlayCachePolicyStatus> PolicyAsync(string name, Predicate<OverlayCachePolicyStatus> until) =>
        await Eventually.GetAsync($"the status of {name}", async () =>
            await server.Client.GetAsync<V1Alpha1OverlayCachePolicy>(NamespacedName.ClusterScoped(name)) is { Status: { } status } && until(status) ? status : null);

    // Plays the agent: takes up the configuration that holds the policy, or no longer does, and says so.
    private async Task AgentReportsAsync(string node, string? policy, int accelerated = 0, NodeHostRule? rule = null)
    {
        var config = await ConfigAsync(node, config => policy is null
            ? config.Spec.Policies.Count == 0
            : config.Spec.Policies.Any(item => item.Name == policy));
        var generation = config.Metadata.Generation!.Value;
        var conditions = ConditionSet.Next(
            [],
            new[] { ConditionType.Programmed, ConditionType.Ready }.Select(type => new Finding(type, ConditionStatus.True, ConditionReason.Programmed, "in force")),
            generation,
            DateTimeOffset.UtcNow);
        _ = await server.Client.ApplyStatusAsync(
            new V1Alpha1NodeCacheConfig
            {
                Metadata = new V1ObjectMeta { Name = node },
                Status = new NodeCacheConfigStatus
                {
                    ObservedGeneration = generation,
                    Conditions = conditions,
                    Endpoints = new EndpointCounts { Accelerated = accelerated },
                    Policies = policy is null ? [] : [new PolicyEndpoints(policy, accelerated, accelerated)],
                    HostRules = rule is null ? [] : [rule],
                    Capabilities = new NodeCapabilities("6.18.0", "tcx", [new NodeFeature("conntrack", Available: true)]),
                },
            },
            force: true);
    }

    private async Task<string> VersionsAsync() => JsonSerializer.Serialize(
        (await server.Client.ListAsync<V1Alpha1OverlayCachePolicy>()).Items.Select(item => item.Metadata.ResourceVersion)
            .Concat((await server.Client.ListAsync<V1Alpha1NodeCacheConfig>()).Items.Select(item => item.Metadata.ResourceVersion)));
}
