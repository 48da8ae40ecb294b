using System.Net;
using System.Security.Cryptography.X509Certificates;
using OnCache.Lab.Cluster.Pki;

namespace OnCache.Lab.Tests.Cluster.Pki;

public sealed class CertificateAuthorityTests
{
    private readonly CertificateAuthority authority = CertificateAuthority.Create("lab", TimeProvider.System);

    [Fact]
    public void A_client_is_its_common_name_in_the_groups_of_its_organizations()
    {
        using var client = Load(authority.IssueClient("system:node:n1", "system:nodes", "more"));

        client.SubjectName.EnumerateRelativeDistinguishedNames().Select(part => (part.GetSingleElementType().FriendlyName, part.GetSingleElementValue()))
            .ShouldBe([("O", "system:nodes"), ("O", "more"), ("CN", "system:node:n1")], ignoreOrder: true);
        IsTrusted(client, "1.3.6.1.5.5.7.3.2").ShouldBeTrue();
        IsTrusted(client, "1.3.6.1.5.5.7.3.1").ShouldBeFalse();
        client.HasPrivateKey.ShouldBeTrue();
    }

    [Fact]
    public void A_server_is_known_by_its_names_and_addresses_only()
    {
        using var server = Load(authority.IssueServer("api", ["kubernetes.default"], [IPAddress.Parse("10.96.0.1")]));

        server.MatchesHostname("kubernetes.default").ShouldBeTrue();
        server.MatchesHostname("10.96.0.1").ShouldBeTrue();
        server.MatchesHostname("127.0.0.1").ShouldBeFalse();
        server.MatchesHostname("api").ShouldBeFalse();
        IsTrusted(server, "1.3.6.1.5.5.7.3.1").ShouldBeTrue();
    }

    [Fact]
    public void Another_authority_of_the_same_name_is_not_trusted()
    {
        using var stranger = Load(CertificateAuthority.Create("lab", TimeProvider.System).IssueClient("admin"));

        IsTrusted(stranger, "1.3.6.1.5.5.7.3.2").ShouldBeFalse();
    }

    [Fact]
    public void An_authority_read_back_signs_as_before()
    {
        using var client = Load(new CertificateAuthority(authority.Pair).IssueClient("late"));

        IsTrusted(client, "1.3.6.1.5.5.7.3.2").ShouldBeTrue();
    }

    private static X509Certificate2 Load(PemPair pair) => X509Certificate2.CreateFromPem(pair.Public, pair.PrivateKey);

    private bool IsTrusted(X509Certificate2 certificate, string use)
    {
        using var root = X509Certificate2.CreateFromPem(authority.Pair.Public);
        using var chain = new X509Chain
        {
            ChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { root },
                RevocationMode = X509RevocationMode.NoCheck,
                ApplicationPolicy = { new(use) },
            },
        };
        return chain.Build(certificate);
    }
}
