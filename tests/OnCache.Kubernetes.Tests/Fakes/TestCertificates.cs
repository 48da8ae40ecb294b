using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OnCache.Kubernetes.Tests.Fakes;

/// <summary>A certificate and its key as PEM.</summary>
internal sealed record TestCertificates(string Certificate, string Key)
{
    public static TestCertificates Create(string name, bool rsa = false)
    {
        var subject = new X500DistinguishedName($"CN={name}");
        var from = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var until = new DateTimeOffset(2120, 1, 1, 0, 0, 0, TimeSpan.Zero);
        if (rsa)
        {
            using var key = RSA.Create(2048);
            var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            using var made = request.CreateSelfSigned(from, until);
            return new TestCertificates(made.ExportCertificatePem(), key.ExportRSAPrivateKeyPem());
        }

        using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest(subject, curve, HashAlgorithmName.SHA256).CreateSelfSigned(from, until);
        return new TestCertificates(certificate.ExportCertificatePem(), curve.ExportECPrivateKeyPem());
    }
}
