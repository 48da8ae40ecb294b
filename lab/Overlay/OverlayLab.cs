using OnCache.Lab.Interop;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Rules;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Overlay;

/// <summary>N nodes with pods on one machine: network namespaces, a wire, flannel's VXLAN layout, kube-proxy-like rules.</summary>
public sealed class OverlayLab : IAsyncDisposable
{
    private readonly SemaphoreSlim changes = new(1, 1);
    private readonly bool endsWithThis;
    private LabState state;

    private OverlayLab(LabState state, bool endsWithThis)
    {
        this.state = state;
        this.endsWithThis = endsWithThis;
        Nodes = [.. state.Plan.Nodes.Select(node => new LabNode(this, state.Plan.Name, node))];
        Services = LabService.Of(state.Plan);
    }

    public string Name => state.Plan.Name;

    /// <summary>MTU of the wire, bytes.</summary>
    public int Mtu => state.Plan.Mtu;

    /// <summary>MTU of the pods, bytes.</summary>
    public int PodMtu => state.Plan.PodMtu;

    public NodeRules Rules => state.Plan.Rules;

    public IReadOnlyList<LabNode> Nodes { get; }

    /// <summary>The ClusterIP services; reachable only under <see cref="NodeRules.KubeProxy"/>.</summary>
    public IReadOnlyList<LabService> Services { get; }

    /// <summary>Folder of the lab's files; gone with the lab.</summary>
    public string Folder => new LabNames(Name).Folder;

    /// <summary>The names of the labs that exist, half-made ones included.</summary>
    public static IReadOnlyList<string> List() =>
        Directory.Exists(LabNames.StateRoot)
            ? [.. Directory.EnumerateDirectories(LabNames.StateRoot).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)]
            : [];

    /// <summary>Brings a lab up. Labs whose owning process has died are cleaned away first; what a failed attempt made is too.</summary>
    /// <param name="stages">Told the name of each stage as it begins, on the calling flow.</param>
    /// <exception cref="LabException">Not root, the name is taken, or a step failed.</exception>
    public static async Task<OverlayLab> UpAsync(
        LabOptions options, IProgress<string>? stages = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var plan = LabPlan.Create(options);
        RequireRoot();
        await LabTeardown.ReapAsync(cancellationToken);
        var claim = new LabState(options.Detached ? null : ProcessIdentity.Current, Complete: false, plan);
        if (NetworkNamespace.List().Any(new LabNames(plan.Name).Owns) || !claim.TryCreate())
        {
            throw new LabException($"lab '{plan.Name}' exists already: take it down with 'oncache-lab down --name {plan.Name}'");
        }

        try
        {
            await new LabBuilder(plan).BuildAsync(stages, cancellationToken);
            claim = claim with { Complete = true };
            claim.Save();
        }
        catch
        {
            await LabTeardown.DownAsync(plan.Name, CancellationToken.None);
            throw;
        }

        return new OverlayLab(claim, endsWithThis: !options.Detached);
    }

    /// <summary>A lab that is up. Disposing what this returns does not take it down.</summary>
    /// <exception cref="LabException">There is none of this name, or it is not complete.</exception>
    public static OverlayLab Load(string name)
    {
        LabOptions.ValidateName(name);
        var found = LabState.Read(name) ?? throw new LabException($"lab '{name}' does not exist: bring it up with 'oncache-lab up --name {name}'");
        return found.Complete
            ? new OverlayLab(found, endsWithThis: false)
            : throw new LabException($"lab '{name}' is not complete: take it down with 'oncache-lab down --name {name}'");
    }

    /// <summary>Takes a lab down, whatever state it is in, and leaves nothing of it. Nothing when there is none.</summary>
    public static Task DownAsync(string name, CancellationToken cancellationToken = default)
    {
        LabOptions.ValidateName(name);
        RequireRoot();
        return LabTeardown.DownAsync(name, cancellationToken);
    }

    /// <summary>The node or pod of this name, e.g. n1 or n2p1.</summary>
    /// <exception cref="LabException">There is none; says which there are.</exception>
    public LabMember Member(string member)
    {
        var members = Nodes.SelectMany(node => node.Pods.Prepend<LabMember>(node)).ToArray();
        return members.FirstOrDefault(candidate => candidate.Name == member)
            ?? throw new LabException($"lab '{Name}' has no '{member}': it has {string.Join(' ', members.Take(12).Select(m => m.Name))}{(members.Length > 12 ? " ..." : "")}");
    }

    public async ValueTask DisposeAsync()
    {
        if (endsWithThis)
        {
            await LabTeardown.DownAsync(Name, CancellationToken.None);
        }

        changes.Dispose();
    }

    internal static void RequireRoot()
    {
        if (Libc.geteuid() != 0)
        {
            throw new LabException("the lab needs root: it makes network namespaces and mounts; run it with sudo");
        }
    }

    internal Task<LabPod> AddPodAsync(LabNode node, CancellationToken cancellationToken) =>
        ChangeAsync(
            async builder =>
            {
                var free = Enumerable.Range(1, LabOptions.MaxPods).FirstOrDefault(index => node.Pods.All(pod => pod.Plan.Index != index));
                if (free == 0)
                {
                    throw new LabException($"node {node.Name} has {LabOptions.MaxPods} pods, the most there can be");
                }

                return await StartAsync(builder, node, free, cancellationToken);
            },
            cancellationToken);

    internal Task DeletePodAsync(LabNode node, LabPod pod, CancellationToken cancellationToken) =>
        ChangeAsync(
            async builder =>
            {
                await EndAsync(builder, node, pod, cancellationToken);
                return true;
            },
            cancellationToken);

    internal Task<LabPod> RecreatePodAsync(LabNode node, LabPod pod, CancellationToken cancellationToken) =>
        ChangeAsync(
            async builder =>
            {
                await EndAsync(builder, node, pod, cancellationToken);
                return await StartAsync(builder, node, pod.Plan.Index, cancellationToken);
            },
            cancellationToken);

    private async Task<T> ChangeAsync<T>(Func<LabBuilder, Task<T>> change, CancellationToken cancellationToken)
    {
        await changes.WaitAsync(cancellationToken);
        try
        {
            return await change(new LabBuilder(state.Plan));
        }
        finally
        {
            changes.Release();
        }
    }

    private async Task<LabPod> StartAsync(LabBuilder builder, LabNode node, int index, CancellationToken cancellationToken)
    {
        var plan = PodPlan.Create(node.Index, index);
        await builder.AddPodAsync(plan, cancellationToken);
        var pod = new LabPod(node, Name, plan);
        Commit(node, [.. node.Pods.Append(pod).OrderBy(p => p.Plan.Index)]);
        return pod;
    }

    private async Task EndAsync(LabBuilder builder, LabNode node, LabPod pod, CancellationToken cancellationToken)
    {
        if (!node.Pods.Contains(pod))
        {
            throw new LabException($"pod {pod.Name} (uid {pod.Uid}) is not on node {node.Name} any more");
        }

        await builder.DeletePodAsync(pod.Plan, cancellationToken);
        Commit(node, [.. node.Pods.Where(p => p != pod)]);
    }

    private void Commit(LabNode node, IReadOnlyList<LabPod> pods)
    {
        node.Replace(pods);
        var nodes = state.Plan.Nodes.Select(plan => plan.Index == node.Index ? plan with { Pods = [.. pods.Select(p => p.Plan)] } : plan);
        state = state with { Plan = state.Plan with { Nodes = [.. nodes] } };
        state.Save();
        AgentConfigWriter.Write(node.AgentConfigPath, state.Plan.Nodes.Single(plan => plan.Index == node.Index), state.Plan.Agent);
    }
}
