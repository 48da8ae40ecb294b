using OnCache.Lab.Cluster;
using OnCache.Lab.Cluster.Components;

namespace OnCache.Lab.Tests.Cluster;

[Collection(KubernetesTurn.Name)]
public sealed class ClusterLifeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_cluster_with_a_running_pod_leaves_nothing_behind()
    {
        await LiveCluster.RequireAsync(ComponentSet.All);
        var options = new ClusterOptions { Nodes = 1, Detached = true };
        try
        {
            await using (await KubernetesCluster.UpAsync(options, cancellationToken: Cancellation))
            {
            }

            var cluster = KubernetesCluster.Load(options.Name);
            (await cluster.KubectlAsync(
                ["run", "sleeper", "--image=oncache.io/busybox:1", "--image-pull-policy=Never", "--command", "--", "sleep", "1000"],
                cancellationToken: Cancellation)).EnsureSuccess();
            (await cluster.KubectlAsync(["wait", "--for=condition=Ready", "pod/sleeper", "--timeout=60s"], cancellationToken: Cancellation)).EnsureSuccess();
            ClusterSummary.Of(options.Name).ToString().ShouldStartWith($"{options.Name}: up, 1 nodes, etcd kube-apiserver kube-controller-manager");
        }
        finally
        {
            await KubernetesCluster.DownAsync(options.Name, CancellationToken.None);
        }

        Leftovers.ShouldBeNone(options.Name);
        await KubernetesCluster.DownAsync(options.Name, Cancellation);
    }

    [Theory]
    [InlineData("network")]
    [InlineData("overlay")]
    public async Task A_cluster_that_fails_to_come_up_leaves_nothing_behind(string stage)
    {
        await LiveCluster.RequireAsync(ComponentSet.All);
        var options = new ClusterOptions();

        await Should.ThrowAsync<TimeoutException>(() => KubernetesCluster.UpAsync(options, new Fault(stage), Cancellation));

        Leftovers.ShouldBeNone(options.Name);
    }

    [Theory]
    [InlineData(0, 1500, "nodes: '0' is not in 1..8")]
    [InlineData(9, 1500, "nodes: '9' is not in 1..8")]
    [InlineData(2, 100, "mtu: '100' is not in 576..9000")]
    public async Task Options_out_of_bounds_are_named(int nodes, int mtu, string message) =>
        (await Should.ThrowAsync<LabOptionException>(() => KubernetesCluster.UpAsync(new ClusterOptions { Nodes = nodes, Mtu = mtu }, cancellationToken: Cancellation)))
            .Message.ShouldBe(message);

    [Fact]
    public void Loading_what_is_not_there_says_how_to_make_it() =>
        Should.Throw<LabException>(() => KubernetesCluster.Load("nowhere")).Message.ShouldContain("oncache-lab cluster up --name nowhere");

    private sealed class Fault(string stage) : IProgress<string>
    {
        public void Report(string value)
        {
            if (value == stage)
            {
                throw new TimeoutException(stage);
            }
        }
    }
}
