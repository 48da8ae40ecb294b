using OnCache.Lab.Cluster;
using OnCache.Lab.Cluster.Components;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Tests.Cluster;

[Collection(KubernetesTurn.Name)]
public sealed class ClusterLifeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_commands_bring_a_cluster_up_use_it_and_leave_nothing_of_it()
    {
        await LiveCluster.RequireAsync(ComponentSet.All);
        var name = new ClusterOptions().Name;
        try
        {
            var up = (await RunAsync("up", "--name", name, "--nodes", "1", "--bare")).EnsureSuccess();
            up.Output.ShouldContain("] overlay\n");
            up.Output.ShouldContain($"cluster '{name}' is up in ");
            (await RunAsync("up", "--name", name, "--bare")).Error.Trim()
                .ShouldBe($"oncache-lab: cluster '{name}' exists already: take it down with 'oncache-lab cluster down --name {name}'");

            (await KubectlAsync("run", "sleeper", "--image=oncache.io/busybox:1", "--image-pull-policy=Never", "--command", "--", "sleep", "1000"))
                .EnsureSuccess();
            (await KubectlAsync("wait", "--for=condition=Ready", "pod/sleeper", Liveness.KubectlTimeout)).EnsureSuccess();
            (await KubectlAsync("get", "pod", "nobody")).ExitCode.ShouldBe(1);
            (await RunAsync("exec", "--name", name, "n1", "--", "sh", "-c", "hostname; exit 7")).ShouldSatisfyAllConditions(
                result => result.Output.Trim().ShouldBe("n1"),
                result => result.ExitCode.ShouldBe(7));
            (await RunAsync("exec", "--name", name, "n2", "--", "true")).Error.Trim()
                .ShouldBe($"oncache-lab: cluster '{name}' has no 'n2': it has n1");
            (await RunAsync("import", "--name", name, "/etc/hostname")).ExitCode.ShouldBe(1);
            (await RunAsync("status")).Output.ShouldContain($"{name}: up, 1 nodes, etcd kube-apiserver kube-controller-manager");
        }
        finally
        {
            (await RunAsync("down", "--name", name)).EnsureSuccess();
        }

        Leftovers.ShouldBeNone(name);
        (await RunAsync("down", "--name", name)).EnsureSuccess();

        Task<CommandResult> KubectlAsync(params string[] arguments) => RunAsync(["kubectl", "--name", name, "--", .. arguments]);
    }

    [Fact]
    public async Task The_api_alone_is_up_on_loopback_for_any_program()
    {
        await LiveCluster.RequireAsync(ComponentSet.Api);
        var name = new ClusterOptions().Name;
        try
        {
            var up = (await RunAsync("up", "--name", name, "--nodes", "0")).EnsureSuccess();
            var kubeconfig = up.Output.Split("KUBECONFIG=")[1].Trim();
            var kubectl = KubernetesComponents.OfThisMachine().Program("kubectl");
            (await Tool.RunAsync(kubectl, ["--kubeconfig", kubeconfig, "get", "--raw", "/readyz"], null, Cancellation)).EnsureSuccess();
        }
        finally
        {
            (await RunAsync("down", "--name", name)).EnsureSuccess();
        }

        Leftovers.ShouldBeNone(name);
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

    private static Task<CommandResult> RunAsync(params string[] arguments) =>
        Tool.RunAsync(Path.Combine(AppContext.BaseDirectory, "oncache-lab"), ["cluster", .. arguments], null, Cancellation);

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
