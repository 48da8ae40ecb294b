namespace OnCache.Lab.Cluster.Control;

/// <summary>Where a control plane keeps what its processes read.</summary>
internal sealed class ControlPlaneFiles(ClusterNames names)
{
    public const string Authority = "ca";
    public const string Server = "kube-apiserver";
    public const string KubeletClient = "kube-apiserver-kubelet-client";
    public const string FrontProxy = "front-proxy-ca";
    public const string FrontProxyClient = "front-proxy";
    public const string ServiceAccounts = "service-accounts";

    /// <summary>etcd takes a socket's path only in the shape of host and port, relative to the folder it runs in.</summary>
    public const string EtcdClients = "unix://etcd.sock:0";

    public const string EtcdPeers = "unix://etcd-peer.sock:0";

    public string Folder => names.ControlFolder;

    public string EtcdData => Path.Combine(Folder, "etcd");

    public string Tokens => Path.Combine(Folder, "tokens.csv");

    public string VolumePlugins => Path.Combine(Folder, "volume-plugins");

    public string Certificate(string name) => Path.Combine(Folder, $"{name}.crt");

    public string Key(string name) => Path.Combine(Folder, $"{name}.key");

    public string Kubeconfig(string user) => Path.Combine(names.CredentialFolder, $"{user}.kubeconfig");
}
