using System.Net;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Cluster.Nodes;

/// <summary>The configuration files of a node's processes.</summary>
internal static class NodeSettings
{
    public const string PauseImage = "oncache.io/pause:1";

    public static string Containerd() => $"""
        version = 2
        root = "/var/lib/containerd"
        state = "/run/containerd"

        [grpc]
          address = "{NodeFiles.ContainerdSocket}"

        [plugins."io.containerd.grpc.v1.cri"]
          sandbox_image = "{PauseImage}"
          # A virtual machine may have taken CAP_SYS_RESOURCE even from root, and nobody may lower a score without it.
          restrict_oom_score_adj = true
          disable_apparmor = true

          [plugins."io.containerd.grpc.v1.cri".cni]
            bin_dir = "{NodeFiles.CniPlugins}"
            conf_dir = "{NodeFiles.CniConfigFolder}"

          [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
            runtime_type = "io.containerd.runc.v2"

            [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
              BinaryName = "{NodeFiles.Programs}/runc"
              SystemdCgroup = false

        """;

    /// <param name="cgroup">The node's own control group, so that nodes do not see each other's pods.</param>
    public static string Kubelet(string cgroup) => $$"""
        apiVersion: kubelet.config.k8s.io/v1beta1
        kind: KubeletConfiguration
        authentication:
          anonymous: { enabled: false }
          webhook: { enabled: true }
          x509: { clientCAFile: {{NodeFiles.Authority}} }
        authorization: { mode: Webhook }
        cgroupDriver: cgroupfs
        cgroupRoot: /{{cgroup}}
        enforceNodeAllocatable: []
        failSwapOn: false
        resolvConf: ""
        # The disk and the memory are the machine's: a node that evicts pods for them would evict for what others use.
        evictionHard: { memory.available: 50Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1% }
        imageGCHighThresholdPercent: 100
        # The API learns soon that the node is ready; what has not changed is not written.
        nodeStatusUpdateFrequency: 3s
        # This kubelet may miss that the last of a deleted pod is gone: the pod goes with its next look, by default up to a minute later.
        syncFrequency: 5s

        """;

    public static string Cni(IPNetwork podCidr, int wireMtu) => $$"""
        {
          "cniVersion": "0.4.0",
          "name": "oncache-lab",
          "plugins": [
            {
              "type": "bridge",
              "bridge": "{{LabNames.Bridge}}",
              "mtu": {{wireMtu - AddressPlan.EncapsulationBytes}},
              "isGateway": true,
              "hairpinMode": true,
              "ipam": { "type": "host-local", "ranges": [[{ "subnet": "{{podCidr}}" }]], "routes": [{ "dst": "0.0.0.0/0" }] }
            }
          ]
        }

        """;

    public static IReadOnlyList<string> KubeletArguments(string node, IPAddress address) =>
    [
        "--config", NodeFiles.KubeletConfig, "--kubeconfig", NodeFiles.KubeletKubeconfig,
        "--hostname-override", node, "--node-ip", address.ToString(),
        "--container-runtime", "remote", "--container-runtime-endpoint", $"unix://{NodeFiles.ContainerdSocket}",
        "--cert-dir", "/var/lib/kubelet/pki", "--volume-plugin-dir", "/var/lib/kubelet/volume-plugins",
    ];

    /// <summary>The table of connections is the machine's, so its size is left alone.</summary>
    public static IReadOnlyList<string> KubeProxyArguments(string node) =>
    [
        "--kubeconfig", NodeFiles.KubeProxyKubeconfig, "--hostname-override", node, "--proxy-mode", "iptables",
        "--cluster-cidr", AddressPlan.ClusterCidr, "--conntrack-max-per-core", "0",
        "--conntrack-tcp-timeout-established", "0", "--conntrack-tcp-timeout-close-wait", "0",
    ];
}
