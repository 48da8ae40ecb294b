using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using OnCache.Lab.Cluster.Components;
using OnCache.Lab.Cluster.Pki;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Cluster.Control;

/// <summary>A real Kubernetes API: etcd and kube-apiserver, and on demand kube-controller-manager and kube-scheduler.</summary>
/// <remarks>
/// Alone it listens on a free port of 127.0.0.1; in a cluster, on an address of the cluster's own network namespace. Disposing one made by
/// <see cref="StartAsync"/> ends its processes and removes its folder. Members may be called from any thread; stopping and starting the API
/// server at once from two is the caller's to avoid.
/// </remarks>
public sealed class ControlPlane : IAsyncDisposable
{
    private const string Etcd = "etcd";
    private const string ApiServer = "kube-apiserver";
    private const string ControllerManager = "kube-controller-manager";
    private const string Scheduler = "kube-scheduler";

    // The API server waits for its watches to end by themselves, which takes it up to half a minute.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);
    private readonly ClusterNames names;
    private readonly ControlPlanePlacement placement;
    private readonly ControlPlaneCredentials credentials;
    private readonly KubernetesComponents components;
    private readonly Daemons daemons;
    private readonly bool endsWithThis;

    private ControlPlane(ClusterNames names, ControlPlanePlacement placement, KubernetesComponents components, bool endsWithThis)
    {
        this.names = names;
        this.placement = placement;
        this.components = components;
        this.endsWithThis = endsWithThis;
        credentials = new ControlPlaneCredentials(names, placement);
        daemons = new Daemons(names);
    }

    public string Name => names.Cluster;

    /// <summary>The API server's address.</summary>
    public Uri Server => placement.Server;

    /// <summary>Folder of its files; gone with it.</summary>
    public string Folder => names.Folder;

    /// <summary>One log file for each process.</summary>
    public string LogFolder => names.LogFolder;

    /// <summary>The authority that signed the server's certificate, a PEM file.</summary>
    public string AuthorityFile => credentials.AuthorityFile;

    /// <summary>A kubeconfig file of a cluster administrator, with a client certificate.</summary>
    public string AdminKubeconfig => credentials.AdminKubeconfig;

    /// <summary>A kubeconfig file of a cluster administrator, with a bearer token.</summary>
    public string TokenKubeconfig => credentials.TokenKubeconfig;

    /// <summary>A cluster administrator's bearer token.</summary>
    public string AdminToken => credentials.Token();

    /// <summary>Starts a control plane on loopback and waits until it can be used. What is not built yet is built first.</summary>
    /// <exception cref="LabException">Not root, the name is taken, a component is missing, or a process ended; says which and why.</exception>
    public static async Task<ControlPlane> StartAsync(ControlPlaneOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        OverlayLab.RequireRoot();
        var built = KubernetesComponents.OfThisMachine();
        await built.EnsureAsync(options.Controllers ? ComponentSet.All : ComponentSet.Api, cancellationToken);
        if (options.Cel)
        {
            await built.EnsureAsync(ComponentSet.Cel, cancellationToken);
        }

        await ClusterTeardown.ReapAsync(cancellationToken);

        var loopback = new ControlPlanePlacement(null, ControlPlanePlacement.Loopback, FreePort(), options.ApiServerArguments, options.Cel ? FreePort() : null);
        var owner = options.Detached ? null : (ProcessIdentity?)ProcessIdentity.Current;
        var state = new ClusterState(options.Name, owner, Complete: false, Nodes: 0, Mtu: 0, loopback);
        state.Claim();
        try
        {
            var controlPlane = Create(state, built, endsWithThis: !options.Detached);
            await controlPlane.LaunchAsync(cancellationToken);
            if (options.Cel)
            {
                await controlPlane.StartDefinitionServerAsync(cancellationToken);
            }

            if (options.Controllers)
            {
                controlPlane.StartControllers();
            }

            (state with { Complete = true }).Save();
            return controlPlane;
        }
        catch
        {
            await ClusterTeardown.DownAsync(options.Name, CancellationToken.None);
            throw;
        }
    }

    /// <summary>Writes a kubeconfig file for a user of these groups, known to the API server by a client certificate; returns its path.</summary>
    /// <exception cref="LabOptionException">The user's name cannot be a file's.</exception>
    public string MintKubeconfig(string user, params IReadOnlyList<string> groups)
    {
        ArgumentNullException.ThrowIfNull(user);
        ArgumentNullException.ThrowIfNull(groups);
        return credentials.Mint(user, groups);
    }

    /// <summary>Runs kubectl as the administrator; its exit status is for the caller to judge.</summary>
    /// <param name="input">For <c>-f -</c>.</param>
    public Task<CommandResult> KubectlAsync(
        IReadOnlyList<string> arguments, string? input = null, CancellationToken cancellationToken = default)
    {
        var (program, all) = KubectlCall(arguments);
        return placement.NetworkNamespace is { } ns
            ? NetworkNamespace.RunCommandAsync(ns, program, all, input, cancellationToken)
            : Tool.RunAsync(program, all, input, cancellationToken);
    }

    /// <summary>Waits until a custom resource definition, which may be brand new, is in force.</summary>
    /// <exception cref="LabException">It is not; kubectl's words.</exception>
    public async Task WaitForDefinitionAsync(string name, CancellationToken cancellationToken = default)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var waited = await KubectlAsync(
                ["wait", "--for=condition=Established", "--timeout=30s", $"crd/{name}"], cancellationToken: cancellationToken);
            // Of a definition that has no conditions yet, kubectl gives up instead of waiting.
            if (waited.ExitCode == 0 || Stopwatch.GetElapsedTime(started) > Liveness.Limit)
            {
                waited.EnsureSuccess();
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }
    }

    /// <summary>Ends the API server and starts it again on the same port, with what etcd holds; returns when it can be used.</summary>
    public async Task RestartApiServerAsync(CancellationToken cancellationToken = default)
    {
        await StopApiServerAsync(cancellationToken: cancellationToken);
        await StartApiServerAsync(cancellationToken);
    }

    /// <summary>Asks the API server to end; it is killed when it has not after the grace period (default 3 s).</summary>
    public Task StopApiServerAsync(TimeSpan? grace = null, CancellationToken cancellationToken = default) =>
        daemons.StopAsync(ApiServer, grace ?? Grace, cancellationToken);

    /// <summary>Kills the API server, as a crash would.</summary>
    public Task KillApiServerAsync(CancellationToken cancellationToken = default) =>
        daemons.StopAsync(ApiServer, TimeSpan.Zero, cancellationToken);

    /// <summary>Starts the API server after it was stopped, and waits until it can be used.</summary>
    public async Task StartApiServerAsync(CancellationToken cancellationToken = default)
    {
        if (daemons.Running(ApiServer) is null)
        {
            StartDaemon(ApiServer, ControlPlaneArguments.ApiServer(new ControlPlaneFiles(names), placement));
        }

        // Its roles are there with the namespace "default", that everybody expects.
        await WaitReadyAsync(ApiServer, Server, ["readyz", "api/v1/namespaces/default"], cancellationToken);
    }

    /// <summary>Has the objects of a group served under the rules in CEL of its definitions, which must be established. Asks for <see cref="ControlPlaneOptions.Cel"/>.</summary>
    /// <exception cref="LabException">The group is not served so; says by whom it should be.</exception>
    public Task ServeWithCelAsync(string group, string version, CancellationToken cancellationToken = default) =>
        DefinitionServer.TakeOverAsync(group, version, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (endsWithThis)
        {
            await ClusterTeardown.DownAsync(Name, CancellationToken.None);
        }
    }

    internal static ControlPlane Create(ClusterState state, KubernetesComponents components, bool endsWithThis) =>
        new(new ClusterNames(state.Name), state.ControlPlane, components, endsWithThis);

    /// <summary>Turns the calling process into kubectl as the administrator. Returns only on failure.</summary>
    internal int BecomeKubectl(IReadOnlyList<string> arguments)
    {
        var (program, all) = KubectlCall(arguments);
        return ProcessImage.Replace(placement.NetworkNamespace, [program, .. all]);
    }

    private ProgramCall KubectlCall(IReadOnlyList<string> arguments) => new(
        components.Program("kubectl"),
        ["--kubeconfig", AdminKubeconfig, "--cache-dir", Path.Combine(names.CredentialFolder, "kubectl-cache"), .. arguments]);

    internal ApiClient CreateClient() => CreateClient(Server);

    internal string RenderKubeconfig(string user, params IReadOnlyList<string> groups) => credentials.Render(user, groups);

    internal CertificateAuthority Authority() => credentials.Authority();

    /// <summary>Makes the credentials and starts etcd and the API server for the first time.</summary>
    internal async Task LaunchAsync(CancellationToken cancellationToken)
    {
        credentials.Create();
        StartDaemon(Etcd, ControlPlaneArguments.Etcd(new ControlPlaneFiles(names)));
        await StartApiServerAsync(cancellationToken);
    }

    /// <summary>Starts kube-controller-manager and kube-scheduler; they find the API server by themselves.</summary>
    internal void StartControllers()
    {
        var files = new ControlPlaneFiles(names);
        StartDaemon(ControllerManager, ControlPlaneArguments.ControllerManager(files));
        StartDaemon(Scheduler, ControlPlaneArguments.Scheduler(files));
    }

    private DefinitionServer DefinitionServer =>
        new(new ControlPlaneFiles(names), placement, (arguments, input, cancellationToken) => KubectlAsync(arguments, input, cancellationToken));

    private async Task StartDefinitionServerAsync(CancellationToken cancellationToken)
    {
        StartDaemon(DefinitionServer.Program, DefinitionServer.Arguments);
        await WaitReadyAsync(DefinitionServer.Program, placement.DefinitionServer!, ["readyz"], cancellationToken);
        await DefinitionServer.TakeOverDefinitionsAsync(cancellationToken);
    }

    private ApiClient CreateClient(Uri address) => new(placement.NetworkNamespace, address, credentials.Authority().Pair.Public, AdminToken);

    private void StartDaemon(string name, IReadOnlyList<string> arguments) => daemons.Start(
        name, placement.NetworkNamespace, names.ControlFolder, components.ProgramFolder, components.Program(name), arguments);

    private async Task WaitReadyAsync(string server, Uri address, string[] paths, CancellationToken cancellationToken)
    {
        using var probe = CreateClient(address);
        var started = Stopwatch.GetTimestamp();
        while (!await probe.IsReadyAsync(paths, cancellationToken))
        {
            foreach (var daemon in (string[])[Etcd, server])
            {
                if (daemons.Running(daemon) is null)
                {
                    throw new LabException($"{daemon} ended: {daemons.LastWords(daemon)}");
                }
            }

            if (Stopwatch.GetElapsedTime(started) > Liveness.Limit)
            {
                throw new LabException($"{server} at {address} is not ready after {Liveness.Limit.TotalSeconds} s: {daemons.LastWords(server)}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }
    }

    // Somebody may take the port before the server does; it then ends and its last words say so.
    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
