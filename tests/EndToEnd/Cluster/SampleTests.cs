using System.Text.RegularExpressions;
using OnCache.Agent.Telemetry;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab;

namespace OnCache.EndToEnd.Cluster;

/// <summary>The samples do what their comments say, and kubectl shows it.</summary>
[Collection(ClusterTests.Name)]
public sealed class SampleTests(InstalledCluster cluster) : IAsyncLifetime
{
    public ValueTask InitializeAsync() => new(cluster.RequireAsync());

    public async ValueTask DisposeAsync()
    {
        if (cluster.IsUp)
        {
            await cluster.UndoAsync("delete", "ocp", "--all", Liveness.KubectlTimeout);
        }
    }

    [Fact]
    public async Task Minimal_accelerates_all_pods_and_is_shown_with_its_counts()
    {
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await ApplySampleAsync("minimal.yaml", "everything");
        await cluster.UntilAcceleratedAsync(conversation);
        // Two pods of each namespace; the operator's have opted out.
        await UntilShownAsync("ocp", @"^NAME +MODE +PRIORITY +READY +REASON +NODES +PROGRAMMED +ACCELERATED +AGE\neverything +Accelerate +0 +True +Programmed +2 +2 +4 +\S+\n$");
        await UntilShownAsync("ncc", @"^NAME +READY +REASON +ACCELERATED +DISABLED +ATTACH +AGE\nn1 +True +Programmed +2 +\d+ +\w+ +\S+\nn2 +True +Programmed +2 +\d+ +\w+ +\S+\n$");

        var told = await cluster.KubectlAsync("describe", "ocp", "everything");
        foreach (var type in (string[])["Accepted", "Programmed", "Ready"])
        {
            told.ShouldMatch($@"Status: +True\n +Type: +{type}\n");
        }

        told.ShouldMatch(@"Nodes:\n +Failed: +0\n +Programmed: +2\n +Selected: +2\n");
        told.ShouldMatch(@"Pods:\n +Accelerated: +4\n +Selected: +4\n");
        (await cluster.KubectlAsync("describe", "ncc", "n1")).ShouldMatch(@"Policies:\n +Accelerated: +2\n +Name: +everything\n +Selected: +2\n");
    }

    [Fact]
    public async Task Per_namespace_takes_the_labelled_namespace_alone()
    {
        var (client, server) = cluster.Bystanders;
        await using var inside = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await using var icmp = new IcmpConversation(cluster.Client, cluster.Server);
        await using var outside = await TcpConversation.OpenAsync(client, server);
        await cluster.KubectlAsync("label", "namespace", InstalledCluster.Home, "team=shop");
        try
        {
            await ApplySampleAsync("per-namespace.yaml", "shop");
            await cluster.UntilAcceleratedAsync(inside);
            (await cluster.CountAsync(outside, 10)).ShouldBe(default);
            // An acknowledgement of the other conversation of these two may be late.
            await cluster.UntilPlainAsync(icmp);
        }
        finally
        {
            await cluster.UndoAsync("label", "namespace", InstalledCluster.Home, "team-");
        }
    }

    [Fact]
    public async Task Observe_only_redirects_nothing()
    {
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await ApplySampleAsync("observe-only.yaml", "trial");

        (await cluster.CountAsync(conversation, 10)).ShouldBe(default);
        (await cluster.EndpointAsync(cluster.Client)).State.ShouldBe(EndpointState.Observed);
    }

    [Fact]
    public async Task Large_cluster_waits_for_a_labelled_node_and_sizes_its_caches()
    {
        var sample = Path.Combine(InstalledCluster.Root, "config", "samples", "large-cluster.yaml");
        await cluster.KubectlAsync("apply", "--validate=false", "-f", sample);
        await cluster.KubectlAsync("wait", "--for=condition=Stalled", "ocp/large", Liveness.KubectlTimeout);
        (await cluster.KubectlAsync("get", "ocp", "large")).ShouldContain("TargetNotFound");
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await cluster.KubectlAsync("label", "node", "n1", "oncache.io/size=large");
        try
        {
            await cluster.KubectlAsync("wait", "--for=condition=Ready", "ocp/large", Liveness.KubectlTimeout);
            await cluster.TalkUntilAsync(
                conversation, static (grown, exchanges) => grown.AtClientAreAllOf(exchanges) && grown.Server == default, "accelerated at n1 alone");
            var sizes = (await cluster.StatusOfAsync(cluster.Client)).Sizes;
            (sizes.Filter.Capacity, sizes.Egress.Capacity, sizes.Ingress.Capacity).ShouldBe((1048576, 10000, 512));
        }
        finally
        {
            await cluster.UndoAsync("label", "node", "n1", "oncache.io/size-");
        }
    }

    private async Task ApplySampleAsync(string file, string policy)
    {
        await cluster.KubectlAsync("apply", "--validate=false", "-f", Path.Combine(InstalledCluster.Root, "config", "samples", file));
        await cluster.KubectlAsync("wait", "--for=condition=Ready", $"ocp/{policy}", Liveness.KubectlTimeout);
    }

    private async Task UntilShownAsync(string kind, string pattern) => _ = await Eventually.ReadsAsync(
        () => cluster.KubectlAsync("get", kind),
        shown => Regex.IsMatch(shown, pattern, RegexOptions.None, TimeSpan.FromSeconds(1)),
        $"kubectl get {kind} as {pattern}",
        Eventually.Sparing);
}
