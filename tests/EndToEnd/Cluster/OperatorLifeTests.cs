using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab;

namespace OnCache.EndToEnd.Cluster;

/// <summary>Operators that restart, hang and are missing: the cluster ends up as the policies ask, and traffic never suffers.</summary>
[Collection(ClusterTests.Name)]
public sealed class OperatorLifeTests(InstalledCluster cluster) : IAsyncLifetime
{
    private readonly Replicas replicas = new(cluster);

    public ValueTask InitializeAsync() => new(cluster.RequireAsync());

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Operators_that_restart_find_what_was_asked_meanwhile()
    {
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await using var policy = new TrialPolicy(cluster);
        await policy.ApplyAsync("{}");
        await cluster.UntilAcceleratedAsync(conversation);

        await using (await replicas.WithoutOperatorsAsync())
        {
            // The flow was idle for as long as operators take to go, which may be more than a lease.
            await cluster.UntilAcceleratedAsync(conversation);
            await policy.ApplyAsync("{mode: Disabled}");
        }

        await cluster.UntilPlainAsync(conversation);
        await replicas.DeleteOperatorsAsync();
        await policy.ApplyAsync("{mode: Accelerate}");
        await cluster.UntilAcceleratedAsync(conversation);
        await cluster.KubectlAsync("wait", "--for=condition=Ready", $"ocp/{TrialPolicy.Name}", Liveness.KubectlTimeout);
    }

    [Fact]
    public async Task A_leader_that_hangs_is_replaced_and_writes_nothing_when_it_wakes_up()
    {
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await using var policy = new TrialPolicy(cluster);
        var before = await Eventually.ReadsAsync(replicas.LeadershipAsync, static lease => lease.Holder.Length > 0, "a leader", Eventually.Sparing);
        // The other may take the lease after this time, and looks at it every 2 s: 20 s are not exceeded by more than the machine is slow.
        before.DurationSeconds.ShouldBe(15);
        Leadership after;
        using (FrozenProcess.Of(await replicas.PodAsync(before.Holder), Replicas.OperatorCommand))
        {
            after = await Eventually.ReadsAsync(replicas.LeadershipAsync, lease => lease.Holder != before.Holder, "another leader", Eventually.Sparing);
            await policy.ApplyAsync("{}");
            await cluster.UntilAcceleratedAsync(conversation);
        }

        after.Transitions.ShouldBe(before.Transitions + 1);
        (await replicas.OperatorsAsync()).ShouldContain(after.Holder);
        await Eventually.ReadsAsync(
            () => replicas.MetricAsync(before.Holder, "oncache_operator_leader"), static leads => leads == 0, "the former leader stepped down");
        var written = await replicas.MetricAsync(before.Holder, "oncache_operator_writes_total");
        await policy.ApplyAsync("{mode: Disabled}");
        await cluster.UntilPlainAsync(conversation);

        (await replicas.MetricAsync(before.Holder, "oncache_operator_writes_total")).ShouldBe(written);
        (await replicas.MetricAsync(after.Holder, "oncache_operator_writes_total")).ShouldBePositive();
        (await replicas.LeadershipAsync()).ShouldBe(after);
    }

    [Fact]
    public async Task A_policy_that_is_deleted_without_an_operator_goes_at_once_and_is_out_of_force_when_there_is_one()
    {
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await using var policy = new TrialPolicy(cluster);
        await policy.ApplyAsync("{}");
        await cluster.UntilAcceleratedAsync(conversation);

        await using (await replicas.WithoutOperatorsAsync())
        {
            await policy.DeleteAsync();
            // The flow was idle for as long as operators take to go, which may be more than a lease.
            await cluster.UntilAcceleratedAsync(conversation);
        }

        await cluster.UntilPlainAsync(conversation);
    }
}
