using System.Text.Json;
using OnCache.Lab.Cluster;

namespace OnCache.Lab.Demo.Cluster;

/// <summary>
/// A real two-node Kubernetes, OnCache installed into it from its images and manifests, a policy applied, traffic between pods before
/// and after, and nothing left of it.
/// </summary>
internal sealed class ClusterDemo(ClusterDemoOptions options, DemoConsole screen)
{
    private const long OperatorGoal = 100_000_000;
    private const long AgentGoal = 80_000_000;

    /// <summary>Exit status 0; whatever was not shown is an exception.</summary>
    /// <exception cref="LabException">A step failed, the policy's status is not true, the fast path was not taken, or something is left behind.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        options.Validate();
        screen.Step("a two-node Kubernetes cluster");
        var cluster = new ClusterOptions { Images = options.Images };
        await using (var up = await KubernetesCluster.UpAsync(cluster, screen, cancellationToken))
        {
            await ShowAsync(up, cancellationToken);
            screen.Step("cleaning up");
        }

        if (ClusterLeftovers.Find(cluster.Name) is [var left, ..])
        {
            throw new LabException($"clean-up is not complete: {left}");
        }

        screen.Step("done; no process, namespace, mount, control group or file is left");
        return 0;
    }

    private async Task ShowAsync(KubernetesCluster cluster, CancellationToken cancellationToken)
    {
        var stage = await DemoStage.SetAsync(cluster, options, screen, cancellationToken);
        var (kubectl, installation) = (stage.Kubectl, stage.Installation);
        var policy = new DemoPolicy("everything", options.Policy, Path.GetRelativePath(options.Root, options.Policy));
        var (rows, use) = await new BeforeAndAfter(kubectl, installation, stage.Pods, stage.Places, policy, screen).RunAsync(options.Rounds, cancellationToken);
        if (options.JsonPath is { } path)
        {
            var kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
            var result = new DemoResult(kernel, cluster.Mtu, options.Core, options.Rounds, BeforeAndAfter.SliceSeconds, rows, use);
            File.WriteAllText(path, JsonSerializer.Serialize(result, DemoJson.Default.DemoResult) + "\n");
        }

        ShowMemory(await installation.LeaderAsync(cancellationToken), OperatorGoal);
        foreach (var agent in await installation.AgentsAsync(cancellationToken))
        {
            ShowMemory(agent, AgentGoal);
        }

        screen.Step($"kubectl delete ocp {policy.Name}");
        await kubectl.RunAsync(["delete", "ocp", policy.Name, "--timeout=180s"], cancellationToken);
    }

    private void ShowMemory(ProgramPod pod, long goal)
    {
        var bytes = pod.ResidentBytes() ?? throw new LabException($"{pod.Program} of pod {pod.Name} does not run");
        screen.Say(FormattableString.Invariant(
            $"{pod.Program} on {pod.Node}: {bytes / 1e6:F1} MB resident, {(bytes <= goal ? "within" : "above")} the goal of {goal / 1e6:F0} MB"));
    }
}
