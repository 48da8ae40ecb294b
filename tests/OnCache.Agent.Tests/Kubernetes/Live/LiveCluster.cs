using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Configuration;
using OnCache.Lab;
using OnCache.Lab.Cluster.Control;

namespace OnCache.Agent.Tests.Kubernetes.Live;

/// <summary>etcd and kube-apiserver, one pair for all tests of the class, with our definitions and one of a CNI in it.</summary>
public sealed class LiveCluster : IAsyncLifetime
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

    internal KubernetesClient Client() =>
        new(ClusterAccess.FromFile(Plane.AdminKubeconfig), new KubernetesClientSettings("tests"));

    /// <summary>Runs kubectl, which must succeed.</summary>
    public async Task KubectlAsync(string input, params string[] arguments)
    {
        var result = await Plane.KubectlAsync(arguments, input);
        result.ExitCode.ShouldBe(0, result.Error);
    }

    public async ValueTask InitializeAsync()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        _plane = await ControlPlane.StartAsync(new ControlPlaneOptions());
        await KubectlAsync("", "apply", "--validate=false", "-k", Path.Combine(AppContext.BaseDirectory, "config/crd"));
        await KubectlAsync(CniDefinition, "apply", "--validate=false", "-f", "-");
        await KubectlAsync("", "wait", "--for=condition=Established", Liveness.KubectlTimeout, "crd/nodecacheconfigs.oncache.io", "crd/globalnetworkpolicies.crd.projectcalico.org");
    }

    public async ValueTask DisposeAsync()
    {
        if (_plane is not null)
        {
            await _plane.DisposeAsync();
        }
    }

    private const string CniDefinition =
        """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: globalnetworkpolicies.crd.projectcalico.org}
        spec:
          group: crd.projectcalico.org
          names: {kind: GlobalNetworkPolicy, plural: globalnetworkpolicies, singular: globalnetworkpolicy}
          scope: Cluster
          versions:
          - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
        """;
}
