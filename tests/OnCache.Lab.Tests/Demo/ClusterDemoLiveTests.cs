using OnCache.Lab.Cluster;
using OnCache.Lab.Cluster.Components;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Tests.Cluster;

namespace OnCache.Lab.Tests.Demo;

/// <summary>The demonstration on real Kubernetes, in a cluster given to it and where it does not come to its end.</summary>
[Collection(KubernetesTurn.Name)]
public sealed class ClusterDemoLiveTests
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "oncache-lab");
    private static readonly string Images = Path.Combine(SourceTree.Root, "artifacts", "images");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task In_a_given_cluster_it_shows_the_fast_path_and_takes_away_what_it_made()
    {
        await RequireAsync();
        var options = new ClusterOptions { Images = Directory.GetFiles(Images, "*.tar") };
        await using var cluster = await KubernetesCluster.UpAsync(options, cancellationToken: Cancellation);

        var demo = await UseClusterAsync(cluster, "--yes", "--rounds", "1");

        demo.EnsureSuccess().Output.ShouldContain($"server:  {cluster.ControlPlane.Server.GetLeftPart(UriPartial.Authority)}");
        demo.Output.ShouldContain("and remove it at the end");
        demo.Output.ShouldContain("$ kubectl describe ocp oncache-demo");
        demo.Output.ShouldContain("agent of n1: ");
        demo.Output.ShouldContain("agent of n2: ");
        foreach (var gone in (string[])["namespace/oncache-demo", "namespace/oncache-system", "crd/overlaycachepolicies.oncache.io", "clusterrole/oncache-agent"])
        {
            (await cluster.KubectlAsync(["get", gone], cancellationToken: Cancellation)).Error.ShouldContain("NotFound");
        }

        foreach (var node in cluster.Nodes)
        {
            (await node.RunCommandAsync("ls", ["/sys/fs/bpf"], cancellationToken: Cancellation)).EnsureSuccess().Output.ShouldNotContain("oncache");
            (await node.RunCommandAsync("cat", ["/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal"], cancellationToken: Cancellation))
                .EnsureSuccess().Output.ShouldBe("0\n");
        }
    }

    [Fact]
    public async Task A_cluster_brought_up_by_hand_has_OnCache()
    {
        await RequireAsync();
        var name = new ClusterOptions().Name;
        try
        {
            (await RunAsync("cluster", "up", "--name", name, "--root", SourceTree.Root)).EnsureSuccess();

            var kubectl = await RunAsync("cluster", "kubectl", "--name", name, "--", "-n", "oncache-system", "get", "daemonset", "oncache-agent", "-o", "jsonpath={.status.numberReady}");
            kubectl.EnsureSuccess().Output.Trim().ShouldBe("2");
        }
        finally
        {
            (await RunAsync("cluster", "down", "--name", name)).EnsureSuccess();
        }

        Leftovers.ShouldBeNone(name);
    }

    [Fact]
    public async Task A_cluster_with_a_namespace_of_that_name_is_left_alone()
    {
        await RequireAsync();
        await using var cluster = await KubernetesCluster.UpAsync(new ClusterOptions(), cancellationToken: Cancellation);
        (await cluster.KubectlAsync(["create", "namespace", "oncache-demo"], cancellationToken: Cancellation)).EnsureSuccess();

        var demo = await UseClusterAsync(cluster, "--yes");

        demo.ExitCode.ShouldBe(1);
        demo.Error.ShouldBe("oncache-lab: namespace oncache-demo exists already, which this would make and delete: remove it with 'kubectl delete namespace oncache-demo'\n");
        (await cluster.KubectlAsync(["get", "namespace", "oncache-demo"], cancellationToken: Cancellation)).EnsureSuccess();
        (await cluster.KubectlAsync(["get", "namespace", "oncache-system"], cancellationToken: Cancellation)).ExitCode.ShouldBe(1);
    }

    [Fact]
    public async Task Interrupted_it_leaves_nothing()
    {
        await RequireAsync();
        await using var demo = LabProcess.Start(Program, ["demo", "cluster", "--root", SourceTree.Root]);
        await demo.WaitForOutputAsync("waiting for daemonset", Liveness.Limit, Cancellation);
        var name = ClusterState.List().Single(name => ClusterState.Read(name) is { Owner: { } owner } && owner.Pid == demo.Id);
        ClusterLeftovers.Find(name).ShouldNotBeEmpty();

        demo.Signal(2);
        var result = await demo.WaitAsync(Cancellation);

        result.ExitCode.ShouldBe(1);
        result.Error.ShouldBe("oncache-lab: interrupted\n");
        Leftovers.ShouldBeNone(name);
    }

    [Fact]
    public async Task A_step_that_fails_leaves_nothing_and_is_named()
    {
        await LiveCluster.RequireAsync(ComponentSet.All);
        var root = Directory.CreateTempSubdirectory("oncache-demo-").FullName;
        try
        {
            Directory.CreateSymbolicLink(Path.Combine(root, "config"), Path.Combine(SourceTree.Root, "config"));
            var images = Directory.CreateDirectory(Path.Combine(root, "artifacts", "images")).FullName;
            foreach (var program in (string[])["agent", "operator", "lab"])
            {
                await File.WriteAllTextAsync(Path.Combine(images, $"oncache-{program}.tar"), "no archive", Cancellation);
            }

            await using var demo = LabProcess.Start(Program, ["demo", "cluster", "--root", root]);
            await demo.WaitForOutputAsync("] overlay", Liveness.Limit, Cancellation);
            var name = ClusterState.List().Single(name => ClusterState.Read(name) is { Owner: { } owner } && owner.Pid == demo.Id);
            var result = await demo.WaitAsync(Cancellation);

            result.ExitCode.ShouldBe(1);
            result.Error.ShouldContain("images import");
            result.Error.Trim().Split('\n').Length.ShouldBe(1);
            Leftovers.ShouldBeNone(name);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static Task<CommandResult> RunAsync(params string[] arguments) => Tool.RunAsync(Program, arguments, null, Cancellation);

    private static async Task RequireAsync()
    {
        await LiveCluster.RequireAsync(ComponentSet.All);
        Assert.SkipUnless(Directory.Exists(Images) && Directory.GetFiles(Images, "*.tar").Length == 3, $"needs the images that 'make images' packs to {Images}");
    }

    // The API server is reached from the cluster's own network namespace alone.
    private static async Task<CommandResult> UseClusterAsync(KubernetesCluster cluster, params string[] options)
    {
        var path = $"{KubernetesComponents.OfThisMachine().ProgramFolder}:{Environment.GetEnvironmentVariable("PATH")}";
        await using var demo = NetworkNamespace.StartProcess(
            new ClusterNames(cluster.Name).ControlNamespace,
            "env",
            [$"KUBECONFIG={cluster.ControlPlane.AdminKubeconfig}", $"PATH={path}", Program, "demo", "use-cluster", "--root", SourceTree.Root, .. options]);
        return await demo.WaitAsync(Cancellation);
    }
}
