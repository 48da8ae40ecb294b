using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OnCache.Operator.Webhook;

/// <summary>The webhook's certificate and the authority that signed it, as PEM.</summary>
/// <param name="Authorities">The authorities to trust, the present one first; a former one stays while its certificates may still be served.</param>
/// <param name="AuthorityKey">The key of the present authority.</param>
/// <param name="Certificate">The server's certificate.</param>
/// <param name="Key">Its key.</param>
internal sealed record WebhookCertificates(string Authorities, string AuthorityKey, string Certificate, string Key)
{
    /// <summary>How long an authority is valid.</summary>
    public static TimeSpan AuthorityLife { get; } = TimeSpan.FromDays(365);

    /// <summary>How long a server's certificate is valid.</summary>
    public static TimeSpan CertificateLife { get; } = TimeSpan.FromDays(90);

    // Clocks of a cluster differ a little.
    private static readonly TimeSpan Backdating = TimeSpan.FromMinutes(10);

    /// <summary>What should be served from now on: the same object while it is good, else one with a new certificate, signed by a new authority where needed.</summary>
    /// <param name="current">What is served; absent at first.</param>
    /// <param name="names">The DNS names of the webhook's service.</param>
    /// <param name="now">The time.</param>
    public static WebhookCertificates Renew(WebhookCertificates? current, IReadOnlyList<string> names, DateTimeOffset now)
    {
        if (current is not null && current.TryLoad(out var loaded))
        {
            using var authority = loaded.Authority;
            using var server = loaded.Server;
            if (HasLife(authority, AuthorityLife, now))
            {
                return HasLife(server, CertificateLife, now) && names.All(name => server.MatchesHostname(name))
                    ? current
                    : Sign(current.Authorities, authority, names, now);
            }

            return Create(PemOf(authority), names, now);
        }

        return Create(former: null, names, now);
    }

    /// <summary>The certificate with its key, to serve with. The caller disposes it.</summary>
    public X509Certificate2 Load()
    {
        // Through PKCS#12: SslStream wants a key that is part of the certificate.
        using var pem = X509Certificate2.CreateFromPem(Certificate, Key);
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), password: null);
    }

    private static WebhookCertificates Create(string? former, IReadOnlyList<string> names, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=oncache-operator-webhook-ca {now.ToUnixTimeSeconds()}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        using var authority = request.CreateSelfSigned(now - Backdating, now + AuthorityLife);
        return Sign(PemOf(authority) + former, authority, names, now);
    }

    private static WebhookCertificates Sign(string authorities, X509Certificate2 authority, IReadOnlyList<string> names, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={names[0]}", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            alternatives.AddDnsName(name);
        }

        request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        // A certificate must not outlive its authority at either end.
        using var certificate = request.Create(
            authority,
            Later(now - Backdating, Start(authority)),
            Earlier(now + CertificateLife, End(authority)),
            RandomNumberGenerator.GetBytes(16));
        using var signingKey = authority.GetECDsaPrivateKey()!;
        return new WebhookCertificates(authorities, signingKey.ExportPkcs8PrivateKeyPem() + "\n", PemOf(certificate), key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    // A third of its life is time enough to notice that renewing fails.
    private static bool HasLife(X509Certificate2 certificate, TimeSpan life, DateTimeOffset now) =>
        Start(certificate) <= now && End(certificate) - now > life / 3;

    private static DateTimeOffset Start(X509Certificate2 certificate) => new(certificate.NotBefore);

    private static DateTimeOffset End(X509Certificate2 certificate) => new(certificate.NotAfter);

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

    private static string PemOf(X509Certificate2 certificate) => certificate.ExportCertificatePem() + "\n";

    private bool TryLoad(out (X509Certificate2 Authority, X509Certificate2 Server) loaded)
    {
        loaded = default;
        X509Certificate2? authority = null;
        try
        {
            authority = X509Certificate2.CreateFromPem(Authorities, AuthorityKey);
            loaded = (authority, X509Certificate2.CreateFromPem(Certificate, Key));
            return true;
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or ArgumentException)
        {
            // Somebody edited the secret: what cannot be read is made anew.
            authority?.Dispose();
            return false;
        }
    }
}
