using System.Diagnostics;
using OnCache.Api;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Configuration;
using OnCache.Lab;
using OnCache.Lab.Cluster.Components;
using OnCache.Lab.Cluster.Control;
using OnCache.Operator.Tests.Live;

[assembly: AssemblyFixture(typeof(LiveServer))]
[assembly: AssemblyFixture(typeof(CelServer))]

namespace OnCache.Operator.Tests.Live;

/// <summary>A real API server with our definitions in it, started by the first test that asks. It drops the rules in CEL.</summary>
public class LiveServer : IAsyncDisposable
{
    private readonly Lazy<Task<(ControlPlane? Plane, string? Why)>> _started;
    private readonly bool _knowsCel;
    private KubernetesClient? _client;
    private AdmissionProbe? _probe;

    public LiveServer()
        : this(knowsCel: false)
    {
    }

    private protected LiveServer(bool knowsCel)
    {
        _knowsCel = knowsCel;
        _started = new(StartAsync);
    }

    /// <summary>A cluster administrator's configuration.</summary>
    public string Kubeconfig { get; private set; } = "";

    /// <summary>A cluster administrator's client.</summary>
    internal KubernetesClient Client => _client!;

    /// <summary>The server itself.</summary>
    internal ControlPlane Plane { get; private set; } = null!;

    /// <summary>Asks whether objects would be stored.</summary>
    internal AdmissionProbe Probe => _probe!;

    /// <summary>Starts it, or skips the test and says what is missing.</summary>
    public async Task RequireAsync()
    {
        var (plane, why) = await _started.Value;
        Assert.SkipWhen(plane is null, why ?? "");
        Plane = plane!;
        _probe ??= new AdmissionProbe(Plane);
        _client ??= new KubernetesClient(ClusterAccess.FromFile(Kubeconfig), new KubernetesClientSettings("test"));
    }

    /// <summary>Runs kubectl.</summary>
    /// <returns>Its exit status and all it said.</returns>
    public async Task<(int Status, string Said)> KubectlAsync(string input, params string[] arguments)
    {
        var start = new ProcessStartInfo(KubernetesComponents.OfThisMachine().Program("kubectl"), ["--kubeconfig", Kubeconfig, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await error);
    }

    /// <summary>Waits until definitions are in force.</summary>
    /// <remarks>Of one so new that it has no conditions at all, kubectl gives up instead of waiting.</remarks>
    public Task EstablishedAsync(params string[] definitions) => Eventually.HoldsAsync(
        $"{string.Join(" and ", definitions)} in force",
        async () => (await KubectlAsync("", ["wait", "--for=condition=Established", "--timeout=30s", .. definitions.Select(name => $"crd/{name}")])).Status == 0);

    /// <summary>Runs kubectl, which must succeed.</summary>
    public async Task<string> MustAsync(string input, params string[] arguments)
    {
        var (status, said) = await KubectlAsync(input, arguments);
        status.ShouldBe(0, said);
        return said;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        _probe?.Dispose();
        if (_started is { IsValueCreated: true, Value.IsCompletedSuccessfully: true } && (await _started.Value).Plane is { } plane)
        {
            await plane.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    private async Task<(ControlPlane? Plane, string? Why)> StartAsync()
    {
        if (!string.Equals(Environment.UserName, "root", StringComparison.Ordinal))
        {
            return (null, "needs root, to run a Kubernetes API server");
        }

        try
        {
            await KubernetesComponents.OfThisMachine().EnsureAsync(_knowsCel ? ComponentSet.Cel : ComponentSet.Api, CancellationToken.None);
        }
        catch (LabException exception)
        {
            return (null, $"needs Kubernetes' components: {exception.Message}");
        }

        var plane = await ControlPlane.StartAsync(new ControlPlaneOptions { Cel = _knowsCel }, CancellationToken.None);
        try
        {
            Kubeconfig = plane.AdminKubeconfig;
            await PrepareAsync();
            if (_knowsCel)
            {
                await plane.ServeWithCelAsync(ApiGroup.Name, ApiGroup.Version, CancellationToken.None);
            }

            return (plane, null);
        }
        catch
        {
            await plane.DisposeAsync();
            throw;
        }
    }

    private async Task PrepareAsync()
    {
        await MustAsync("", "create", "namespace", "oncache-system");

        // kube-apiserver's own description of a definition does not know of CEL, and kubectl would refuse what it drops.
        await MustAsync("", "apply", "--validate=false", "-k", Path.Combine(AppContext.BaseDirectory, "config/crd"));
        await EstablishedAsync("overlaycachepolicies.oncache.io", "nodecacheconfigs.oncache.io");
    }
}
