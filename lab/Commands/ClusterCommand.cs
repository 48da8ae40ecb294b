using System.CommandLine;
using System.Diagnostics;
using OnCache.Lab.Cluster;
using OnCache.Lab.Cluster.Control;
using OnCache.Lab.Demo.Cluster;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Commands;

/// <summary><c>oncache-lab cluster</c>: a real Kubernetes over the lab's overlay.</summary>
internal static class ClusterCommand
{
    public static Command Create() => new("cluster", "A real Kubernetes cluster, its pods on the lab's VXLAN overlay")
    {
        Up(), Down(), Kubectl(), Exec(), Import(), Status(),
    };

    private static Command Up()
    {
        var name = LabArguments.Name();
        var nodes = LabArguments.Number("--nodes", $"Number of nodes, up to {ClusterOptions.MaxNodes}; 0 for the API alone, on loopback", 2);
        var mtu = LabArguments.Number("--mtu", $"MTU of the wire in bytes, {LabOptions.MinMtu} to {LabOptions.MaxMtu}", 1500);
        var root = LabArguments.Root();
        var bare = new Option<bool>("--bare") { Description = "Without OnCache" };
        var command = new Command("up", "Bring a cluster with OnCache up; it stays until it is taken down. Kubernetes is built first where it is not yet")
        {
            name, nodes, mtu, root, bare,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var started = Stopwatch.GetTimestamp();
            var clusterName = parsed.GetValue(name)!;
            if (parsed.GetValue(nodes) == 0)
            {
                var alone = new ControlPlaneOptions { Name = clusterName, Detached = true };
                await using var controlPlane = await ControlPlane.StartAsync(alone, cancellationToken);
                Console.WriteLine($"the API is up in {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s at {controlPlane.Server}");
                Console.WriteLine($"  export KUBECONFIG={controlPlane.AdminKubeconfig}");
                return 0;
            }

            var options = new ClusterOptions
            {
                Name = clusterName,
                Nodes = parsed.GetValue(nodes),
                Mtu = parsed.GetValue(mtu),
                Detached = true,
            };
            options.Validate();
            var stages = new StageLines(started);
            await using var cluster = parsed.GetValue(bare)
                ? await KubernetesCluster.UpAsync(options, stages, cancellationToken)
                : await UpWithOnCacheAsync(options, Path.GetFullPath(parsed.GetValue(root)!), stages, cancellationToken);
            Console.WriteLine($"cluster '{cluster.Name}' is up in {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s: "
                + string.Join(", ", cluster.Nodes.Select(node => $"{node.Name} {node.Address}")));
            Console.WriteLine($"  oncache-lab cluster kubectl --name {cluster.Name} -- get nodes");
            return 0;
        });
        return command;
    }

    /// <summary>The cluster is taken down again when OnCache does not start in it.</summary>
    private static async Task<KubernetesCluster> UpWithOnCacheAsync(
        ClusterOptions options, string root, IProgress<string> stages, CancellationToken cancellationToken)
    {
        var images = OnCacheInstallation.ImagesIn(root);
        if (images.FirstOrDefault(image => !File.Exists(image)) is { } missing)
        {
            throw new LabOptionException("root", root, $"a checkout in which 'make images' was run; {missing} is missing, without which there is --bare");
        }

        var cluster = await KubernetesCluster.UpAsync(options with { Images = images }, stages, cancellationToken);
        try
        {
            var installation = new OnCacheInstallation(Demo.Cluster.Kubectl.Of(cluster), OnCacheInstallation.ManifestsIn(root));
            stages.Report("OnCache");
            await installation.ApplyAsync(cancellationToken);
            await installation.WaitAsync(stages, cancellationToken);
            return cluster;
        }
        catch
        {
            await KubernetesCluster.DownAsync(options.Name, CancellationToken.None);
            throw;
        }
    }

    private static Command Down()
    {
        var name = LabArguments.Name();
        var command = new Command("down", "Take a cluster down, in whatever state it is, and leave nothing of it") { name };
        command.SetAction((parsed, cancellationToken) => KubernetesCluster.DownAsync(parsed.GetValue(name)!, cancellationToken));
        return command;
    }

    private static Command Kubectl()
    {
        var name = LabArguments.Name();
        var words = new Argument<string[]>("arguments") { Description = "kubectl's own arguments, after --", Arity = ArgumentArity.OneOrMore };
        var command = new Command("kubectl", "Run kubectl as the cluster's administrator; its exit status passes through") { name, words };
        command.SetAction(parsed =>
        {
            OverlayLab.RequireRoot();
            return KubernetesCluster.Load(parsed.GetValue(name)!).ControlPlane.BecomeKubectl(parsed.GetValue(words)!);
        });
        return command;
    }

    private static Command Exec()
    {
        var name = LabArguments.Name();
        var node = new Argument<string>("node") { Description = "A node, e.g. n1" };
        var words = new Argument<string[]>("command") { Description = "The command, after --", Arity = ArgumentArity.OneOrMore };
        var command = new Command("exec", "Run a command inside a node; its exit status passes through") { name, node, words };
        command.SetAction(parsed =>
        {
            OverlayLab.RequireRoot();
            return KubernetesCluster.Load(parsed.GetValue(name)!).Node(parsed.GetValue(node)!).Become(parsed.GetValue(words)!);
        });
        return command;
    }

    private static Command Import()
    {
        var name = LabArguments.Name();
        var archives = new Argument<string[]>("archive") { Description = "Image archives", Arity = ArgumentArity.OneOrMore };
        var command = new Command("import", "Load image archives into every node") { name, archives };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            OverlayLab.RequireRoot();
            var cluster = KubernetesCluster.Load(parsed.GetValue(name)!);
            foreach (var archive in parsed.GetValue(archives)!)
            {
                await cluster.ImportImageAsync(Path.GetFullPath(archive), cancellationToken);
            }
        });
        return command;
    }

    private static Command Status()
    {
        var command = new Command("status", "List the clusters of this machine");
        command.SetAction(_ =>
        {
            foreach (var cluster in ClusterState.List().Select(ClusterSummary.Of))
            {
                Console.WriteLine(cluster);
            }

            return 0;
        });
        return command;
    }

    private sealed class StageLines(long started) : IProgress<string>
    {
        public void Report(string value) => Console.WriteLine($"[{Stopwatch.GetElapsedTime(started).TotalSeconds,5:F1} s] {value}");
    }
}
