using YamlDotNet.Serialization;

namespace OnCache.Kubernetes.Configuration;

// Setters: YamlDotNet fills these, and no one changes them afterwards.

/// <summary>A kubeconfig file as it is written.</summary>
internal sealed class KubeconfigDocument
{
    [YamlMember(Alias = "current-context", ApplyNamingConventions = false)]
    public string? CurrentContext { get; set; }

    public List<NamedContext> Contexts { get; set; } = [];

    public List<NamedCluster> Clusters { get; set; } = [];

    public List<NamedUser> Users { get; set; } = [];
}

/// <summary>An entry of <c>contexts</c>.</summary>
internal sealed class NamedContext
{
    public string? Name { get; set; }

    public KubeconfigContext? Context { get; set; }
}

/// <summary>Which user at which cluster.</summary>
internal sealed class KubeconfigContext
{
    public string? Cluster { get; set; }

    public string? User { get; set; }

    public string? Namespace { get; set; }
}

/// <summary>An entry of <c>clusters</c>.</summary>
internal sealed class NamedCluster
{
    public string? Name { get; set; }

    public KubeconfigCluster? Cluster { get; set; }

    /// <summary>The folder of the file it came from: paths in it are relative to that.</summary>
    [YamlIgnore]
    public string Folder { get; set; } = string.Empty;
}

/// <summary>Where a cluster is and how to trust it.</summary>
internal sealed class KubeconfigCluster
{
    public string? Server { get; set; }

    [YamlMember(Alias = "certificate-authority", ApplyNamingConventions = false)]
    public string? CertificateAuthority { get; set; }

    [YamlMember(Alias = "certificate-authority-data", ApplyNamingConventions = false)]
    public string? CertificateAuthorityData { get; set; }

    [YamlMember(Alias = "insecure-skip-tls-verify", ApplyNamingConventions = false)]
    public bool InsecureSkipTlsVerify { get; set; }

    [YamlMember(Alias = "tls-server-name", ApplyNamingConventions = false)]
    public string? TlsServerName { get; set; }

    [YamlMember(Alias = "proxy-url", ApplyNamingConventions = false)]
    public string? ProxyUrl { get; set; }
}

/// <summary>An entry of <c>users</c>.</summary>
internal sealed class NamedUser
{
    public string? Name { get; set; }

    public KubeconfigUser? User { get; set; }

    /// <summary>The folder of the file it came from: paths in it are relative to that.</summary>
    [YamlIgnore]
    public string Folder { get; set; } = string.Empty;
}

/// <summary>Who we are.</summary>
internal sealed class KubeconfigUser
{
    [YamlMember(Alias = "client-certificate", ApplyNamingConventions = false)]
    public string? ClientCertificate { get; set; }

    [YamlMember(Alias = "client-certificate-data", ApplyNamingConventions = false)]
    public string? ClientCertificateData { get; set; }

    [YamlMember(Alias = "client-key", ApplyNamingConventions = false)]
    public string? ClientKey { get; set; }

    [YamlMember(Alias = "client-key-data", ApplyNamingConventions = false)]
    public string? ClientKeyData { get; set; }

    public string? Token { get; set; }

    public string? TokenFile { get; set; }

    public string? Username { get; set; }

    public object? Exec { get; set; }

    [YamlMember(Alias = "auth-provider", ApplyNamingConventions = false)]
    public object? AuthProvider { get; set; }

    [YamlMember(Alias = "as", ApplyNamingConventions = false)]
    public string? Impersonate { get; set; }
}
