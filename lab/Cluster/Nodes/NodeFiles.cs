namespace OnCache.Lab.Cluster.Nodes;

/// <summary>A node's files, from outside and as the node itself sees them.</summary>
/// <remarks>Inside, /run, /var/lib and /var/log are the node's own, and everything else is the machine's.</remarks>
internal sealed class NodeFiles(string folder)
{
    /// <summary>Programs, CNI plugins and images, inside the node.</summary>
    public const string Components = "/run/kubernetes";

    public const string Programs = $"{Components}/bin";
    public const string CniPlugins = $"{Components}/cni";
    public const string ContainerdSocket = "/run/containerd/containerd.sock";
    public const string CniConfigFolder = "/var/lib/node/cni";
    public const string ContainerdConfig = "/var/lib/node/containerd.toml";
    public const string KubeletConfig = "/var/lib/node/kubelet.yaml";
    public const string KubeletKubeconfig = "/var/lib/node/kubelet.kubeconfig";
    public const string KubeProxyKubeconfig = "/var/lib/node/kube-proxy.kubeconfig";
    public const string Authority = "/var/lib/node/ca.crt";

    public string Folder => folder;

    /// <summary>Written as the node begins: the line of /proc/PID/stat of its first process.</summary>
    public string Init => Path.Combine(folder, "init");

    /// <summary>Exists once the node's mounts are made.</summary>
    public string Ready => Outside("/run/ready");

    /// <summary>Makes the folders the node begins with.</summary>
    public void Create()
    {
        foreach (var inside in (string[])[Components, CniConfigFolder, "/run/netns", "/run/lock", "/var/lib/kubelet", "/var/log"])
        {
            Directory.CreateDirectory(Outside(inside));
        }

        Directory.CreateDirectory(Path.Combine(folder, "cgroup"));
        Directory.CreateDirectory(Path.Combine(folder, "sysctl"));
    }

    public void Write(string inside, string text) => File.WriteAllText(Outside(inside), text);

    /// <summary>Where a path below the node's own folders lies outside.</summary>
    public string Outside(string inside)
    {
        foreach (var own in (string[])["/run", "/var/lib", "/var/log"])
        {
            if (inside.StartsWith($"{own}/", StringComparison.Ordinal) || string.Equals(inside, own, StringComparison.Ordinal))
            {
                return Path.Combine(folder, $"{Path.GetFileName(own)}{inside[own.Length..]}");
            }
        }

        throw new ArgumentException($"{inside} is not below a folder of the node's own", nameof(inside));
    }
}
