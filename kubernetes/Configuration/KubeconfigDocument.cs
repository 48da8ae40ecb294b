namespace OnCache.Kubernetes.Configuration;

/// <summary>A kubeconfig file as it is written: what of it is used, or refused.</summary>
internal sealed record KubeconfigDocument(
    string? CurrentContext,
    IReadOnlyList<NamedContext> Contexts,
    IReadOnlyList<NamedCluster> Clusters,
    IReadOnlyList<NamedUser> Users)
{
    public static readonly KubeconfigDocument Empty = new(null, [], [], []);

    /// <summary>Both as one: of entries with the same name the first wins.</summary>
    public KubeconfigDocument With(KubeconfigDocument other) => new(
        string.IsNullOrEmpty(CurrentContext) ? other.CurrentContext : CurrentContext,
        [.. Contexts, .. other.Contexts],
        [.. Clusters, .. other.Clusters],
        [.. Users, .. other.Users]);
}

/// <summary>An entry of <c>contexts</c>: which user at which cluster.</summary>
internal sealed record NamedContext(string? Name, string? Cluster, string? User, string? Namespace);

/// <summary>An entry of <c>clusters</c>: where a cluster is and how to trust it.</summary>
/// <param name="Folder">The folder of the file it came from: paths in it are relative to that.</param>
internal sealed record NamedCluster(
    string? Name,
    string Folder,
    string? Server,
    string? CertificateAuthority,
    string? CertificateAuthorityData,
    bool InsecureSkipTlsVerify,
    string? TlsServerName,
    string? ProxyUrl);

/// <summary>An entry of <c>users</c>: who we are.</summary>
/// <param name="Folder">The folder of the file it came from: paths in it are relative to that.</param>
/// <param name="HasExec">Whether a program is to be asked for credentials.</param>
/// <param name="HasAuthProvider">Whether credentials are to come from what kubectl once had built in.</param>
internal sealed record NamedUser(
    string? Name,
    string Folder,
    string? ClientCertificate,
    string? ClientCertificateData,
    string? ClientKey,
    string? ClientKeyData,
    string? Token,
    string? TokenFile,
    string? Username,
    string? Impersonate,
    bool HasExec,
    bool HasAuthProvider);
