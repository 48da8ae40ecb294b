using System.Diagnostics;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Configuration;
using OnCache.Lab;
using OnCache.Lab.Cluster.Components;
using OnCache.Lab.Cluster.Control;
using OnCache.Operator.Tests.Live;

[assembly: AssemblyFixture(typeof(LiveServer))]

namespace OnCache.Operator.Tests.Live;

/// <summary>A real API server with our definitions in it, started by the first test that asks.</summary>
public sealed class LiveServer : IAsyncDisposable
{
    private readonly Lazy<Task<(ControlPlane? Plane, string? Why)>> _started = new(StartAsync);
    private KubernetesClient? _client;

    /// <summary>A cluster administrator's configuration.</summary>
    public string Kubeconfig { get; private set; } = "";

    /// <summary>A cluster administrator's client.</summary>
    internal KubernetesClient Client => _client!;

    /// <summary>Starts it, or skips the test and says what is missing.</summary>
    public async Task RequireAsync()
    {
        var (plane, why) = await _started.Value;
        Assert.SkipWhen(plane is null, why ?? "");
        Kubeconfig = plane!.AdminKubeconfig;
        _client ??= new KubernetesClient(KubernetesClientConfiguration.BuildConfigFromConfigFile(Kubeconfig), new KubernetesClientSettings("test"));
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
        if (_started is { IsValueCreated: true, Value.IsCompletedSuccessfully: true } && (await _started.Value).Plane is { } plane)
        {
            await plane.DisposeAsync();
        }
    }

    private static async Task<(ControlPlane? Plane, string? Why)> StartAsync()
    {
        if (!string.Equals(Environment.UserName, "root", StringComparison.Ordinal))
        {
            return (null, "needs root, to run a Kubernetes API server");
        }

        try
        {
            await KubernetesComponents.OfThisMachine().EnsureAsync(ComponentSet.Api, CancellationToken.None);
        }
        catch (LabException exception)
        {
            return (null, $"needs Kubernetes' components: {exception.Message}");
        }

        var plane = await ControlPlane.StartAsync(new ControlPlaneOptions(), CancellationToken.None);
        try
        {
            await PrepareAsync(new LiveServer { Kubeconfig = plane.AdminKubeconfig });
            return (plane, null);
        }
        catch
        {
            await plane.DisposeAsync();
            throw;
        }
    }

    private static async Task PrepareAsync(LiveServer server)
    {
        await server.MustAsync("", "create", "namespace", "oncache-system");

        // This API server does not know CEL, and kubectl would refuse what it drops.
        await server.MustAsync("", "apply", "--validate=false", "-k", Path.Combine(AppContext.BaseDirectory, "config/crd"));
        await server.MustAsync("", "wait", "--for=condition=Established", "--timeout=30s", "crd/overlaycachepolicies.oncache.io", "crd/nodecacheconfigs.oncache.io");
    }
}
