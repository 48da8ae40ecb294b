using System.Net;
using System.Security.Cryptography;
using OnCache.Lab.Cluster.Pki;

namespace OnCache.Lab.Cluster.Control;

/// <summary>Makes a control plane's certificates, its token, and the configurations of its users.</summary>
internal sealed class ControlPlaneCredentials(ClusterNames names, ControlPlanePlacement placement)
{
    public const string Admin = "admin";
    public const string Administrators = "system:masters";
    private const string TokenUser = "token-admin";
    private readonly ControlPlaneFiles files = new(names);

    public string AdminKubeconfig => files.Kubeconfig(Admin);

    public string TokenKubeconfig => files.Kubeconfig(TokenUser);

    public string AuthorityFile => files.Certificate(ControlPlaneFiles.Authority);

    public void Create()
    {
        foreach (var folder in (string[])[files.Folder, names.CredentialFolder])
        {
            Directory.CreateDirectory(folder);
        }

        // etcd refuses to take over a folder that others can read.
        Directory.CreateDirectory(files.EtcdData, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var authority = CertificateAuthority.Create("oncache-lab", TimeProvider.System);
        authority.Pair.Save(files.Folder, ControlPlaneFiles.Authority);
        authority.IssueServer(ControlPlaneFiles.Server, ServerNames, ServerAddresses(placement)).Save(files.Folder, ControlPlaneFiles.Server);
        authority.IssueClient(ControlPlaneFiles.KubeletClient, Administrators).Save(files.Folder, ControlPlaneFiles.KubeletClient);
        ServiceAccountKey().Save(files.Folder, ControlPlaneFiles.ServiceAccounts);
        var front = CertificateAuthority.Create("oncache-lab-front-proxy", TimeProvider.System);
        front.Pair.Save(files.Folder, ControlPlaneFiles.FrontProxy);
        front.IssueClient(ControlPlaneFiles.FrontProxyClient).Save(files.Folder, ControlPlaneFiles.FrontProxyClient);

        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        File.WriteAllText(files.Tokens, $"{token},{TokenUser},{TokenUser},\"{Administrators}\"\n");
        File.WriteAllText(TokenKubeconfig, Kubeconfig.WithToken(placement.Server, authority.Pair.Public, TokenUser, token));
        Mint(Admin, [Administrators]);
        Mint("system:kube-controller-manager", []);
        Mint("system:kube-scheduler", []);
    }

    public string Token() => File.ReadAllText(files.Tokens).Split(',')[0];

    public CertificateAuthority Authority() => new(PemPair.Load(files.Folder, ControlPlaneFiles.Authority));

    /// <summary>Writes the configuration of a user with a certificate of its own; returns the file.</summary>
    public string Mint(string user, IReadOnlyList<string> groups)
    {
        if (user.Length == 0 || user.IndexOfAny(['/', '"', '\\', '\n']) >= 0 || user is "." or "..")
        {
            throw new LabOptionException("user", user, "a name without slashes, backslashes, quotes and line breaks");
        }

        var file = files.Kubeconfig(user);
        File.WriteAllText(file, Render(user, groups));
        return file;
    }

    /// <summary>The configuration of a user with a certificate of its own.</summary>
    public string Render(string user, IReadOnlyList<string> groups)
    {
        var authority = Authority();
        return Kubeconfig.WithCertificate(placement.Server, authority.Pair.Public, user, authority.IssueClient(user, groups));
    }

    private static string[] ServerNames =>
        ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", DefinitionServer.DnsName];

    // Pods reach the API server at the first address of the service range.
    private static IPAddress[] ServerAddresses(ControlPlanePlacement placement) =>
        [.. ((string[])[ControlPlanePlacement.Loopback, "10.96.0.1", placement.Address]).Distinct(StringComparer.Ordinal).Select(IPAddress.Parse)];

    private static PemPair ServiceAccountKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new PemPair(key.ExportSubjectPublicKeyInfoPem(), key.ExportPkcs8PrivateKeyPem());
    }
}
