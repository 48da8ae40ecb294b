using System.Security.Cryptography.X509Certificates;

namespace OnCache.Kubernetes.Configuration;

/// <summary>Where the API server is, how to trust it and who we are.</summary>
/// <param name="Host">The server's address, such as <c>https://10.0.0.1:6443</c>.</param>
public sealed partial record KubernetesClientConfiguration(Uri Host)
{
    /// <summary>The authorities to trust; <see langword="null"/> for those of the system.</summary>
    public X509Certificate2Collection? Authorities { get; init; }

    /// <summary>The name the server's certificate must carry, if not that of <see cref="Host"/>.</summary>
    public string? TlsServerName { get; init; }

    /// <summary>Whether any certificate of the server is accepted: only for trials.</summary>
    public bool SkipTlsVerify { get; init; }

    /// <summary>Who we are, by certificate.</summary>
    public X509Certificate2? ClientCertificate { get; init; }

    /// <summary>Who we are, by token.</summary>
    public ITokenSource? Token { get; init; }

    /// <summary>The namespace to use where none is named.</summary>
    public string Namespace { get; init; } = "default";
}
