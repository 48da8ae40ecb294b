using System.Diagnostics;
using System.Globalization;
using System.Net;
using OnCache.Lab.Cluster.Components;
using OnCache.Lab.Cluster.Control;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Cluster.Nodes;

/// <summary>
/// One node of a cluster: network, mount, UTS and PID namespaces of its own, in which containerd, kube-proxy and kubelet run. Inside, /run,
/// /var/lib, /var/log, /sys/fs/bpf and the list of processes are the node's own; the rest of the file system is the machine's.
/// </summary>
public sealed class ClusterNode
{
    private const string ParentSuffix = ".namespaces";
    private readonly ClusterNames names;
    private readonly KubernetesComponents components;
    private readonly NodeFiles files;
    private readonly Daemons daemons;

    internal ClusterNode(ClusterNames names, KubernetesComponents components, int index)
    {
        this.names = names;
        this.components = components;
        Name = ClusterNames.Node(index);
        Address = AddressPlan.Node(index);
        PodCidr = AddressPlan.PodCidr(index);
        Namespace = names.Namespace(Name);
        files = new NodeFiles(names.NodeFolder(Name));
        daemons = new Daemons(names);
    }

    /// <summary>n1 for the first; also its name in the API.</summary>
    public string Name { get; }

    /// <summary>Its own address on the wire.</summary>
    public IPAddress Address { get; }

    /// <summary>Where the addresses of its pods come from.</summary>
    public IPNetwork PodCidr { get; }

    /// <summary>The network namespace, a name under <c>/run/netns</c>.</summary>
    public string Namespace { get; }

    /// <summary>The process that made the node's namespaces and waits for the first process in them, which has the node's own name.</summary>
    private string Parent => $"{Name}{ParentSuffix}";

    private string Init => Name;

    /// <summary>Runs a command inside the node, in all its namespaces, to its end; its exit status is for the caller to judge.</summary>
    public async Task<CommandResult> RunCommandAsync(
        string command, IReadOnlyList<string> arguments, string? input = null, CancellationToken cancellationToken = default)
    {
        var call = Inside(command, arguments);
        return await Tool.RunAsync(call.Program, call.Arguments, input, cancellationToken);
    }

    /// <summary>Where a file below the node's own /run, /var/lib or /var/log lies for the machine.</summary>
    public string PathOf(string inside) => files.Outside(inside);

    /// <summary>Loads an image archive into the node's containerd; pods name it with <c>imagePullPolicy</c> Never or IfNotPresent.</summary>
    /// <exception cref="LabException">There is none, or it is no image archive.</exception>
    public async Task ImportImageAsync(string archive, CancellationToken cancellationToken = default)
    {
        // Opened outside: not every path is the same inside.
        var import = Inside($"{NodeFiles.Programs}/ctr", ["--namespace", "k8s.io", "images", "import", "-"]);
        string[] arguments = ["-c", """exec "$@" <"$0" """, archive, import.Program, .. import.Arguments];
        (await Tool.RunAsync("/bin/sh", arguments, input: null, cancellationToken)).EnsureSuccess();
    }

    /// <summary>Turns the calling process into a command inside the node, in all its namespaces. Returns only on failure.</summary>
    internal int Become(string[] command)
    {
        var call = Inside(command[0], command[1..]);
        return ProcessImage.Replace(null, [call.Program, .. call.Arguments]);
    }

    private ProgramCall Inside(string command, IReadOnlyList<string> arguments)
    {
        var init = daemons.Running(Init) ?? throw new LabException($"node {Name} of cluster '{names.Cluster}' does not run");
        return new ProgramCall(
            "nsenter",
            [
                "--target", init.Pid.ToString(CultureInfo.InvariantCulture), "--net", "--mount", "--uts", "--pid",
                "--", command, .. arguments,
            ]);
    }

    /// <summary>Makes the node's namespaces and mounts, and starts containerd with the images every pod needs.</summary>
    internal async Task StartAsync(CancellationToken cancellationToken)
    {
        files.Create();
        ControlGroups.Create(Namespace);
        files.Write(NodeFiles.ContainerdConfig, NodeSettings.Containerd());
        daemons.Start(
            Parent, Namespace, files.Folder, components.ProgramFolder, "unshare",
            NodeInit.Arguments(Name, files, components.Folder));
        await WaitForFileAsync(files.Ready, Parent, cancellationToken);
        daemons.Adopt(Init, ProcessIdentity.Parse(await File.ReadAllTextAsync(files.Init, cancellationToken)));

        StartDaemon("containerd", ["--config", NodeFiles.ContainerdConfig]);
        await WaitForFileAsync(files.Outside(NodeFiles.ContainerdSocket), $"{Name}.containerd", cancellationToken);
        foreach (var image in (string[])["pause.tar", "busybox.tar"])
        {
            await ImportImageAsync(Path.Combine(components.Folder, "images", image), cancellationToken);
        }
    }

    /// <summary>Gives the node its network, and starts kube-proxy and kubelet, whose pods find it ready.</summary>
    internal void Join(ControlPlane controlPlane, int mtu)
    {
        files.Write(NodeFiles.Authority, controlPlane.Authority().Pair.Public);
        files.Write($"{NodeFiles.CniConfigFolder}/10-oncache-lab.conflist", NodeSettings.Cni(PodCidr, mtu));
        files.Write(NodeFiles.KubeletConfig, NodeSettings.Kubelet(Namespace));
        files.Write(NodeFiles.KubeletKubeconfig, controlPlane.RenderKubeconfig($"system:node:{Name}", "system:nodes"));
        files.Write(NodeFiles.KubeProxyKubeconfig, controlPlane.RenderKubeconfig("system:kube-proxy"));
        StartDaemon("kube-proxy", NodeSettings.KubeProxyArguments(Name));
        StartDaemon("kubelet", NodeSettings.KubeletArguments(Name, Address));
    }

    internal static bool IsParent(string daemon) => daemon.EndsWith(ParentSuffix, StringComparison.Ordinal);

    /// <summary>The names of its processes that have ended.</summary>
    internal IEnumerable<string> Ended() =>
        ((string[])["containerd", "kube-proxy", "kubelet"]).Select(name => $"{Name}.{name}").Where(daemon => daemons.Running(daemon) is null);

    private void StartDaemon(string name, IReadOnlyList<string> arguments)
    {
        var call = Inside($"{NodeFiles.Programs}/{name}", arguments);
        daemons.Start($"{Name}.{name}", null, files.Folder, NodeFiles.Programs, call.Program, call.Arguments);
    }

    private async Task WaitForFileAsync(string file, string daemon, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (!File.Exists(file))
        {
            if (daemons.Running(daemon) is null || Stopwatch.GetElapsedTime(started) > Liveness.Limit)
            {
                throw new LabException($"{daemon} did not come up: {daemons.LastWords(daemon)}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), cancellationToken);
        }
    }
}
