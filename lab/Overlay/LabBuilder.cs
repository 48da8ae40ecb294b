using System.Runtime.InteropServices;
using OnCache.Lab.Interop;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Rules;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Overlay;

/// <summary>Carries a plan out, stage by stage.</summary>
internal sealed class LabBuilder(LabPlan plan)
{
    // Each worker mostly waits for a child process, so more of them than cores.
    private const int Workers = 8;
    private readonly LabNames names = new(plan.Name);

    public async Task BuildAsync(IProgress<string>? stages, CancellationToken cancellationToken)
    {
        stages?.Report("namespaces");
        (await Tool.RunAsync("ip", ["-batch", "-"], TopologyScript.Root(plan), cancellationToken)).EnsureSuccess();

        stages?.Report("nodes");
        if (plan.HasWireBridge)
        {
            await ConfigureAsync(names.WireNamespace, Sysctls.ApplyWire, TopologyScript.Wire(plan), cancellationToken);
        }

        await ForEachAsync(plan.Nodes, BuildNodeAsync, cancellationToken);

        stages?.Report("pods");
        await ForEachAsync(plan.Nodes.SelectMany(node => node.Pods), BuildPodAsync, cancellationToken);

        stages?.Report("agent files");
        MountBpf();
        foreach (var node in plan.Nodes)
        {
            Directory.CreateDirectory(names.BpfRoot(node.Index));
            AgentConfigWriter.Write(names.AgentConfig(node.Index), node, plan.Agent);
        }
    }

    /// <summary>One more pod in a lab that stands.</summary>
    public async Task AddPodAsync(PodPlan pod, CancellationToken cancellationToken)
    {
        var node = names.Namespace(LabNames.Node(pod.Node));
        (await Tool.RunAsync("ip", ["-batch", "-"], TopologyScript.AddPodRoot(plan, pod), cancellationToken)).EnsureSuccess();
        await InAsync(node, "ip", ["-batch", "-"], TopologyScript.AddPodNode(pod), cancellationToken);
        if (plan.Rules == NodeRules.KubeProxy)
        {
            await RestoreAsync(node, ["--noflush"], PodPolicyRules.RenderAdd(pod), cancellationToken);
        }

        await BuildPodAsync(pod, cancellationToken);
    }

    public async Task DeletePodAsync(PodPlan pod, CancellationToken cancellationToken)
    {
        var node = names.Namespace(LabNames.Node(pod.Node));
        await InAsync(node, "ip", ["-batch", "-"], $"link delete {pod.HostInterface}\n", cancellationToken);
        if (plan.Rules == NodeRules.KubeProxy)
        {
            await RestoreAsync(node, ["--noflush"], PodPolicyRules.RenderDelete(pod), cancellationToken);
        }

        var script = TopologyScript.DeleteNamespaces([names.Namespace(pod.Name)]);
        (await Tool.RunAsync("ip", ["-batch", "-"], script, cancellationToken)).EnsureSuccess();
    }

    private static Task ForEachAsync<T>(IEnumerable<T> items, Func<T, CancellationToken, Task> build, CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(
            items,
            new ParallelOptions { MaxDegreeOfParallelism = Workers, CancellationToken = cancellationToken },
            async (item, cancellation) => await build(item, cancellation));

    private async Task BuildNodeAsync(NodePlan node, CancellationToken cancellationToken)
    {
        var ns = names.Namespace(node.Name);
        await ConfigureAsync(ns, Sysctls.ApplyNode, TopologyScript.Node(plan, node), cancellationToken);
        await InAsync(ns, "bridge", ["-batch", "-"], TopologyScript.ForwardingDatabase(plan, node), cancellationToken);
        if (plan.Rules == NodeRules.KubeProxy)
        {
            await RestoreAsync(ns, [], KubeProxyRules.Render(plan, node), cancellationToken);
        }
    }

    private Task BuildPodAsync(PodPlan pod, CancellationToken cancellationToken) =>
        ConfigureAsync(names.Namespace(pod.Name), Sysctls.ApplyPod, TopologyScript.Pod(pod), cancellationToken);

    private static async Task ConfigureAsync(string ns, Action sysctls, string script, CancellationToken cancellationToken)
    {
        NetworkNamespace.Run(ns, sysctls);
        await InAsync(ns, "ip", ["-batch", "-"], script, cancellationToken);
    }

    private static Task RestoreAsync(string ns, string[] options, string rules, CancellationToken cancellationToken) =>
        InAsync(ns, "iptables-restore", ["-w", .. options], rules, cancellationToken);

    private static async Task InAsync(string ns, string command, string[] arguments, string input, CancellationToken cancellationToken) =>
        (await NetworkNamespace.RunCommandAsync(ns, command, arguments, input, cancellationToken)).EnsureSuccess();

    private void MountBpf()
    {
        Directory.CreateDirectory(names.BpfMount);
        if (Libc.mount("oncache-lab", names.BpfMount, "bpf", 0, "mode=0700") != 0)
        {
            throw new LabException($"{names.BpfMount}: cannot mount bpffs: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }
}
