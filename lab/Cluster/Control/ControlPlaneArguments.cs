using System.Globalization;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Cluster.Control;

/// <summary>The command lines of the control plane's processes.</summary>
internal static class ControlPlaneArguments
{
    // Documentation's own range (RFC 5737): on loopback nobody is told an address, yet without one the server looks for a default route.
    private const string Unadvertised = "192.0.2.1";

    // Nobody else is there, yet etcd wants to know how it would be called.
    private const string NoPeer = "http://localhost:2380";

    /// <summary>A single member on two sockets in its folder, reached by who may enter the folder. Power cuts do not matter to a lab.</summary>
    public static IReadOnlyList<string> Etcd(ControlPlaneFiles files) =>
    [
        "--name", "lab", "--data-dir", files.EtcdData, "--unsafe-no-fsync",
        "--listen-client-urls", ControlPlaneFiles.EtcdClients, "--advertise-client-urls", "http://localhost:2379",
        "--listen-peer-urls", ControlPlaneFiles.EtcdPeers, "--initial-advertise-peer-urls", NoPeer, "--initial-cluster", $"lab={NoPeer}",
    ];

    public static IReadOnlyList<string> ApiServer(ControlPlaneFiles files, ControlPlanePlacement placement) =>
    [
        "--etcd-servers", ControlPlaneFiles.EtcdClients,
        "--bind-address", placement.Address, "--secure-port", placement.Port.ToString(CultureInfo.InvariantCulture),
        .. placement.IsLoopback ? (string[])["--advertise-address", Unadvertised, "--endpoint-reconciler-type", "none"] : [],
        "--tls-cert-file", files.Certificate(ControlPlaneFiles.Server), "--tls-private-key-file", files.Key(ControlPlaneFiles.Server),
        "--client-ca-file", files.Certificate(ControlPlaneFiles.Authority), "--token-auth-file", files.Tokens,
        "--authorization-mode", "Node,RBAC", "--enable-admission-plugins", "NodeRestriction", "--allow-privileged=true",
        "--service-account-issuer", "https://kubernetes.default.svc.cluster.local",
        "--service-account-key-file", files.Certificate(ControlPlaneFiles.ServiceAccounts),
        "--service-account-signing-key-file", files.Key(ControlPlaneFiles.ServiceAccounts),
        "--service-cluster-ip-range", AddressPlan.ServiceCidr,
        "--kubelet-client-certificate", files.Certificate(ControlPlaneFiles.KubeletClient),
        "--kubelet-client-key", files.Key(ControlPlaneFiles.KubeletClient),
        "--kubelet-preferred-address-types", "InternalIP",

        // Webhooks are called at their pods' own addresses: no kube-proxy translates services where the control plane runs.
        "--enable-aggregator-routing=true",
        .. placement.DefinitionPort is null ? [] : DefinitionServer.FrontArguments(files),
        .. placement.ApiServerArguments,
    ];

    public static IReadOnlyList<string> ControllerManager(ControlPlaneFiles files) =>
    [
        .. Authentication(files, "kube-controller-manager"),
        "--leader-elect=false",
        "--cluster-signing-cert-file", files.Certificate(ControlPlaneFiles.Authority),
        "--cluster-signing-key-file", files.Key(ControlPlaneFiles.Authority),
        "--root-ca-file", files.Certificate(ControlPlaneFiles.Authority),
        "--service-account-private-key-file", files.Key(ControlPlaneFiles.ServiceAccounts), "--use-service-account-credentials=true",

        // Nodes come with their ranges. The controller that gives them out holds up others for ten seconds before it begins.
        "--allocate-node-cidrs=false", "--service-cluster-ip-range", AddressPlan.ServiceCidr,

        // Made when it is absent, and the default is outside the lab.
        "--flex-volume-plugin-dir", files.VolumePlugins,

        // A lab is not kept waiting when it kills a node.
        "--node-monitor-grace-period", "20s",
    ];

    public static IReadOnlyList<string> Scheduler(ControlPlaneFiles files) =>
        [.. Authentication(files, "kube-scheduler"), "--leader-elect=false"];

    private static string[] Authentication(ControlPlaneFiles files, string user)
    {
        var kubeconfig = files.Kubeconfig($"system:{user}");
        return
        [
            "--kubeconfig", kubeconfig, "--authentication-kubeconfig", kubeconfig, "--authorization-kubeconfig", kubeconfig,

            // Nobody asks them anything, and two control planes may share a network namespace.
            "--port", "0", "--secure-port", "0",
        ];
    }
}
