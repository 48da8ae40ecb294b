using System.Diagnostics;
using OnCache.Lab.Cluster.Nodes;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Rules;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Cluster;

/// <summary>Carries the making of a cluster out, stage by stage.</summary>
internal sealed class ClusterBuilder(ClusterNames names, KubernetesCluster cluster, IReadOnlyList<string> images)
{
    public async Task BuildAsync(IProgress<string>? stages, CancellationToken cancellationToken)
    {
        stages?.Report("network");
        await BuildWireAsync(cancellationToken);

        stages?.Report("control plane and container runtimes");
        await Task.WhenAll(
            [cluster.ControlPlane.LaunchAsync(cancellationToken), .. cluster.Nodes.Select(node => node.StartAsync(cancellationToken))]);

        stages?.Report("overlay");
        cluster.ControlPlane.StartControllers();
        // Beside everything that follows, most of which is waiting.
        var imports = ImportAsync(cancellationToken);
        var ends = cluster.Nodes.ToDictionary(node => node, node => new TunnelEnd(node.Address, node.PodCidr, MacAddress.Random()));
        await Task.WhenAll([RegisterAsync(cancellationToken), .. cluster.Nodes.Select(node => LayOverlayAsync(node, ends, cancellationToken))]);
        await InAsync(names.ControlNamespace, "ip", ClusterTopology.ControlPlaneRoutes(ends.Values), cancellationToken);

        stages?.Report("nodes");
        foreach (var node in cluster.Nodes)
        {
            node.Join(cluster.ControlPlane, cluster.Mtu);
        }

        await WaitReadyAsync(cancellationToken);
        if (!imports.IsCompleted)
        {
            stages?.Report("images");
        }

        await imports;
    }

    // One after the other on each node: images share layers, and one that is there is not unpacked again.
    private async Task ImportAsync(CancellationToken cancellationToken)
    {
        foreach (var image in images)
        {
            await cluster.ImportImageAsync(image, cancellationToken);
        }
    }

    private async Task BuildWireAsync(CancellationToken cancellationToken)
    {
        var root = ClusterTopology.Root(names, cluster.Nodes.Count, cluster.Mtu);
        (await Tool.RunAsync("ip", ["-batch", "-"], root, cancellationToken)).EnsureSuccess();
        NetworkNamespace.Run(names.WireNamespace, Sysctls.ApplyWire);
        await InAsync(names.WireNamespace, "ip", ClusterTopology.Wire(cluster.Nodes.Count, cluster.Mtu), cancellationToken);
        await InAsync(names.ControlNamespace, "ip", ClusterTopology.Host(ClusterTopology.ControlPlaneAddress), cancellationToken);
        foreach (var node in cluster.Nodes)
        {
            NetworkNamespace.Run(node.Namespace, Sysctls.ApplyNode);
            await InAsync(node.Namespace, "ip", ClusterTopology.Host(node.Address), cancellationToken);
        }
    }

    /// <summary>Enters the nodes in the API before they live, with their range of pod addresses.</summary>
    private async Task RegisterAsync(CancellationToken cancellationToken)
    {
        // kubelet 1.20 writes into the resources of a node that exists already, and panics when there are none at all. kube-proxy begins when
        // the node has an address. Without a range the controller manager would choose one, ten seconds after it has begun.
        var nodes = string.Join("---\n", cluster.Nodes.Select(node => $$"""
            apiVersion: v1
            kind: Node
            metadata: { name: {{node.Name}} }
            spec: { podCIDR: {{node.PodCidr}}, podCIDRs: [{{node.PodCidr}}] }
            status:
              addresses: [{ type: InternalIP, address: {{node.Address}} }]
              capacity: { pods: 0 }
              allocatable: { pods: 0 }

            """));
        (await cluster.KubectlAsync(["create", "--validate=false", "-f", "-"], nodes, cancellationToken)).EnsureSuccess();
    }

    private async Task LayOverlayAsync(ClusterNode node, Dictionary<ClusterNode, TunnelEnd> ends, CancellationToken cancellationToken)
    {
        var peers = ends.Where(end => end.Key != node).Select(end => end.Value).ToArray();
        await InAsync(node.Namespace, "ip", ClusterTopology.Overlay(ends[node], peers, cluster.Mtu), cancellationToken);
        await InAsync(node.Namespace, "bridge", ClusterTopology.ForwardingDatabase(peers), cancellationToken);

        // Inside the node, whose lock of the tables is its own.
        (await node.RunCommandAsync("iptables-restore", ["-w", "--noflush"], FlannelRules.Render(ends[node].PodCidr), cancellationToken)).EnsureSuccess();
    }

    private async Task WaitReadyAsync(CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var wait = await cluster.KubectlAsync(
                ["wait", "--for=condition=Ready", "nodes", "--all", "--timeout=5s"], cancellationToken: cancellationToken);
            if (wait.ExitCode == 0)
            {
                return;
            }

            if (cluster.Nodes.SelectMany(node => node.Ended()).FirstOrDefault() is { } daemon)
            {
                throw new LabException($"{daemon} ended: {new Daemons(names).LastWords(daemon)}");
            }

            if (Stopwatch.GetElapsedTime(started) > Liveness.Limit)
            {
                throw new LabException($"not all nodes are Ready after {Liveness.Limit.TotalSeconds} s: {await ReadinessAsync(cancellationToken)}");
            }
        }
    }

    private async Task<string> ReadinessAsync(CancellationToken cancellationToken)
    {
        const string Path = "jsonpath={range .items[*]}{.metadata.name}: {.status.conditions[?(@.type==\"Ready\")].message}; {end}";
        return (await cluster.KubectlAsync(["get", "nodes", "-o", Path], cancellationToken: cancellationToken)).Output.Trim();
    }

    private static async Task InAsync(string ns, string command, string batch, CancellationToken cancellationToken) =>
        (await NetworkNamespace.RunCommandAsync(ns, command, ["-batch", "-"], batch, cancellationToken)).EnsureSuccess();
}
