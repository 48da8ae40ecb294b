using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Configuration;
using OnCache.Kubernetes.Schema;
using OnCache.Kubernetes.Tests.Fakes;
using OnCache.Lab.Cluster.Control;
using KubernetesClientConfiguration = k8s.KubernetesClientConfiguration;

namespace OnCache.Kubernetes.Tests.RealServer;

/// <summary>etcd and kube-apiserver, one pair for all tests of the run.</summary>
public sealed class RealApiServer : IAsyncLifetime
{
    private ControlPlane? _plane;

    /// <summary>The control plane; skips the test where none can be.</summary>
    public ControlPlane Plane
    {
        get
        {
            Assert.SkipUnless(_plane is not null, "needs root, to run etcd and kube-apiserver in folders of the system");
            return _plane;
        }
    }

    public KubernetesClientConfiguration Configuration => ClusterAccess.FromFile(Plane.AdminKubeconfig);

    /// <summary>The administrator's configuration but for a change.</summary>
    public KubernetesClientConfiguration Change(Action<KubernetesClientConfiguration> change)
    {
        var configuration = Configuration;
        change(configuration);
        return configuration;
    }

    public KubernetesClient Client(string fieldManager = "tests") => new(Configuration, new KubernetesClientSettings(fieldManager));

    /// <summary>A client that reaches the server through a proxy.</summary>
    internal KubernetesClient Client(FaultProxy proxy) =>
        new(Change(configuration => configuration.Host = proxy.Address.AbsoluteUri), new KubernetesClientSettings("tests")
        {
            Retries = 0,
            PingDelay = TimeSpan.FromSeconds(1),
            PingTimeout = TimeSpan.FromSeconds(1),
        });

    internal FaultProxy Proxy() => new(Plane.Server.Port);

    public async ValueTask InitializeAsync()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        _plane = await ControlPlane.StartAsync(new ControlPlaneOptions());
        foreach (var manifest in CrdGenerator.Render([typeof(Widget)]).Values)
        {
            var result = await _plane.KubectlAsync(["apply", "--validate=false", "-f", "-"], manifest);
            result.ExitCode.ShouldBe(0, result.Error);
        }

        await _plane.WaitForDefinitionAsync("widgets.tests.example.com");
    }

    public async ValueTask DisposeAsync()
    {
        if (_plane is not null)
        {
            await _plane.DisposeAsync();
        }
    }
}

/// <summary>The tests that share the server, one after another.</summary>
[CollectionDefinition(Name)]
public sealed class RealServerTests : ICollectionFixture<RealApiServer>
{
    public const string Name = "real API server";
}
