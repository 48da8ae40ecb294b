using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Tests.Demo;

/// <summary>The demo's script where it refuses: one line, and nothing is begun.</summary>
public sealed class DemoScriptTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("oncache-demo-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("nonsense", "nonsense is not a demo; use cluster, overlay or --use-cluster")]
    [InlineData("overlay --yes", "--yes is no option of the overlay demo")]
    [InlineData("cluster now", "now is no option of the cluster demo")]
    [InlineData("--use-cluster --force", "--force is no option of --use-cluster; use --yes or --keep")]
    [InlineData("--use-cluster --yes", "KUBECONFIG is not set: export the path of the kubeconfig of the cluster to use")]
    public async Task A_wrong_command_line_is_one_line_and_status_2(string arguments, string message)
    {
        var result = await RunAsync($"unset KUBECONFIG; exec ./demo.sh {arguments}");

        result.ExitCode.ShouldBe(2);
        result.Error.ShouldBe($"demo.sh: {message}\n");
        result.Output.ShouldBeEmpty();
    }

    [Fact]
    public async Task Without_a_terminal_and_yes_nobody_can_be_asked()
    {
        var result = await RunAsync("KUBECONFIG=/nonexistent exec ./demo.sh --use-cluster --keep </dev/null");

        result.ExitCode.ShouldBe(2);
        result.Error.ShouldBe("demo.sh: standard input is no terminal, so nobody can be asked: add --yes to go on without\n");
    }

    [Theory]
    [InlineData("/proc/filesystems", "nodev\tproc\n", "the kernel has no overlayfs")]
    [InlineData("/proc/meminfo", "MemAvailable: 1500000 kB\n", "1 GiB of memory are available, 2 are needed")]
    [InlineData("/etc/os-release", "ID=fedora\nVERSION_ID=43\n", "Kubernetes is built from Debian 12's packages and this is fedora 43")]
    public async Task Where_no_cluster_can_be_built_the_other_demo_is_offered(string file, string content, string why)
    {
        Assert.SkipUnless(string.Equals(Environment.UserName, "root", StringComparison.Ordinal), "needs root, to show the script another machine");
        var shown = Path.Combine(folder, "shown");
        await File.WriteAllTextAsync(shown, content, Cancellation);

        // An empty cache: Kubernetes has not been built.
        var result = await RunAsync(
            $"exec unshare --mount sh -c 'mount --bind {shown} {file} && ONCACHE_CACHE={folder}/cache exec ./demo.sh'");

        result.ExitCode.ShouldBe(1);
        result.Error.ShouldBe($"oncache: a cluster cannot be built here: {why}; ./demo.sh overlay needs none\n");
        result.Output.ShouldBeEmpty();
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static Task<CommandResult> RunAsync(string script) =>
        Tool.RunAsync("sh", ["-c", $"cd '{SourceTree.Root}'; {script}"], null, Cancellation);
}
