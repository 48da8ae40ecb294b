using System.Net;
using OnCache.Lab.Cluster.Components;
using OnCache.Lab.Cluster.Control;
using OnCache.Lab.Cluster.Nodes;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Cluster;

/// <summary>A real Kubernetes cluster on one machine, over the lab's VXLAN overlay.</summary>
public sealed class KubernetesCluster : IAsyncDisposable
{
    private readonly ClusterState state;
    private readonly bool endsWithThis;

    private KubernetesCluster(ClusterState state, KubernetesComponents components, bool endsWithThis)
    {
        this.state = state;
        this.endsWithThis = endsWithThis;
        var names = new ClusterNames(state.Name);
        ControlPlane = ControlPlane.Create(state, components, endsWithThis: false);
        Nodes = [.. Enumerable.Range(1, state.Nodes).Select(index => new ClusterNode(names, components, index))];
    }

    public string Name => state.Name;

    /// <summary>MTU of the wire, bytes.</summary>
    public int Mtu => state.Mtu;

    /// <summary>Listens on the wire between the nodes: reachable from them, from pods, and from the namespace it is in.</summary>
    public ControlPlane ControlPlane { get; }

    public IReadOnlyList<ClusterNode> Nodes { get; }

    /// <summary>Brings a cluster up until all nodes are Ready. What is not built yet is built first.</summary>
    /// <remarks>Clusters whose owning process has died are cleaned away first; what a failed attempt made is too.</remarks>
    /// <param name="stages">Told the name of each stage as it begins, on the calling flow.</param>
    /// <exception cref="LabException">Not root, the name is taken, a component is missing, or a step failed; says which and why.</exception>
    public static async Task<KubernetesCluster> UpAsync(
        ClusterOptions options, IProgress<string>? stages = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        OverlayLab.RequireRoot();
        var components = KubernetesComponents.OfThisMachine();
        await components.EnsureAsync(ComponentSet.All, cancellationToken);
        await ClusterTeardown.ReapAsync(cancellationToken);

        var names = new ClusterNames(options.Name);
        var placement = new ControlPlanePlacement(names.ControlNamespace, ClusterTopology.ControlPlaneAddress.ToString(), 6443, []);
        var owner = options.Detached ? null : (ProcessIdentity?)ProcessIdentity.Current;
        var claim = new ClusterState(options.Name, owner, Complete: false, options.Nodes, options.Mtu, placement);
        claim.Claim();
        try
        {
            var cluster = new KubernetesCluster(claim, components, endsWithThis: !options.Detached);
            await new ClusterBuilder(names, cluster, options.Images).BuildAsync(stages, cancellationToken);
            (claim with { Complete = true }).Save();
            return cluster;
        }
        catch
        {
            await ClusterTeardown.DownAsync(options.Name, CancellationToken.None);
            throw;
        }
    }

    /// <summary>A cluster that is up. Disposing what this returns does not take it down.</summary>
    /// <exception cref="LabException">There is none of this name, or it is not complete.</exception>
    public static KubernetesCluster Load(string name)
    {
        LabOptions.ValidateName(name);
        var found = ClusterState.Read(name)
            ?? throw new LabException($"cluster '{name}' does not exist: bring it up with 'oncache-lab cluster up --name {name}'");
        return found.Complete
            ? new KubernetesCluster(found, KubernetesComponents.OfThisMachine(), endsWithThis: false)
            : throw new LabException($"cluster '{name}' is not complete: take it down with 'oncache-lab cluster down --name {name}'");
    }

    /// <summary>Takes a cluster, or a control plane alone, down from whatever state it is in, and leaves nothing of it.</summary>
    public static Task DownAsync(string name, CancellationToken cancellationToken = default)
    {
        LabOptions.ValidateName(name);
        OverlayLab.RequireRoot();
        return ClusterTeardown.DownAsync(name, cancellationToken);
    }

    /// <summary>Runs kubectl as the administrator; its exit status is for the caller to judge.</summary>
    /// <param name="input">For <c>-f -</c>.</param>
    public Task<CommandResult> KubectlAsync(
        IReadOnlyList<string> arguments, string? input = null, CancellationToken cancellationToken = default) =>
        ControlPlane.KubectlAsync(arguments, input, cancellationToken);

    /// <summary>Loads an image archive into every node.</summary>
    /// <exception cref="LabException">There is none, or it is no image archive.</exception>
    public Task ImportImageAsync(string archive, CancellationToken cancellationToken = default) =>
        Task.WhenAll(Nodes.Select(node => node.ImportImageAsync(archive, cancellationToken)));

    /// <summary>The node of this name.</summary>
    /// <exception cref="LabException">There is none; says which there are.</exception>
    public ClusterNode Node(string name) => Nodes.FirstOrDefault(node => node.Name == name)
        ?? throw new LabException($"cluster '{Name}' has no '{name}': it has {string.Join(' ', Nodes.Select(node => node.Name))}");

    /// <summary>A pod that runs.</summary>
    /// <exception cref="LabException">There is none of this name, or it does not run; says which.</exception>
    public async Task<ClusterPod> PodAsync(string ns, string name, CancellationToken cancellationToken = default)
    {
        string[] call = ["-n", ns, "get", "pod", name, "-o", "jsonpath={.spec.nodeName} {.metadata.uid} {.status.podIP}"];
        var words = (await KubectlAsync(call, cancellationToken: cancellationToken)).EnsureSuccess().Output.Trim().Split(' ');
        return words.Length == 3 && Guid.TryParse(words[1], out var uid) && IPAddress.TryParse(words[2], out var address)
            ? new ClusterPod(name, words[0], uid, address)
            : throw new LabException($"pod {ns}/{name} is not running yet");
    }

    public async ValueTask DisposeAsync()
    {
        if (endsWithThis)
        {
            await ClusterTeardown.DownAsync(Name, CancellationToken.None);
        }
    }
}
