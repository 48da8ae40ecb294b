using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OnCache.Lab.Cluster.Pki;

/// <summary>Signs a cluster's certificates: P-256, valid from a day before its making until a year after.</summary>
/// <remarks>The day before covers machines whose clock is set back; a lab does not live for a year.</remarks>
public sealed class CertificateAuthority
{
    private const string ServerUse = "1.3.6.1.5.5.7.3.1";
    private const string ClientUse = "1.3.6.1.5.5.7.3.2";
    private static readonly TimeSpan Before = TimeSpan.FromDays(1);
    private static readonly TimeSpan After = TimeSpan.FromDays(365);

    public CertificateAuthority(PemPair pair) => Pair = pair;

    /// <summary>The authority's own certificate and key.</summary>
    public PemPair Pair { get; }

    public static CertificateAuthority Create(string name, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Subject(name, []), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = clock.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now - Before, now + After);
        return new CertificateAuthority(new PemPair(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem()));
    }

    /// <summary>A certificate by which a client is known: user in CN, groups in O, as the API server reads them.</summary>
    public PemPair IssueClient(string user, params IReadOnlyList<string> groups) => Issue(Subject(user, groups), ClientUse, null);

    /// <summary>A certificate for a server under these names and addresses.</summary>
    public PemPair IssueServer(string name, IEnumerable<string> dnsNames, IEnumerable<IPAddress> addresses)
    {
        ArgumentNullException.ThrowIfNull(dnsNames);
        ArgumentNullException.ThrowIfNull(addresses);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var dnsName in dnsNames)
        {
            names.AddDnsName(dnsName);
        }

        foreach (var address in addresses)
        {
            names.AddIpAddress(address);
        }

        return Issue(Subject(name, []), ServerUse, names.Build());
    }

    private PemPair Issue(X500DistinguishedName subject, string use, X509Extension? names)
    {
        using var issuer = X509Certificate2.CreateFromPem(Pair.Public, Pair.PrivateKey);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(use)], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(issuer, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        if (names is not null)
        {
            request.CertificateExtensions.Add(names);
        }

        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7f;

        // As long as the authority itself: a certificate may not begin before its issuer nor outlive it.
        using var certificate = request.Create(issuer, new DateTimeOffset(issuer.NotBefore), new DateTimeOffset(issuer.NotAfter), serial);
        return new PemPair(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private static X500DistinguishedName Subject(string name, IReadOnlyList<string> organisations)
    {
        var builder = new X500DistinguishedNameBuilder();
        foreach (var organisation in organisations)
        {
            builder.AddOrganizationName(organisation);
        }

        builder.AddCommonName(name);
        return builder.Build();
    }
}
