using System.Security.Cryptography.X509Certificates;
using OnCache.Operator.Webhook;

namespace OnCache.Operator.Tests.Webhook;

public sealed class WebhookCertificatesTests
{
    private static readonly string[] Names = ["oncache-operator.oncache-system.svc", "localhost"];
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(60);

    [Fact]
    public void The_first_certificate_is_signed_by_its_authority_for_the_names_of_the_service()
    {
        var made = WebhookCertificates.Renew(current: null, Names, Now);

        ShouldVerify(made, made.Authorities, Now);
        using var certificate = made.Load();
        certificate.HasPrivateKey.ShouldBeTrue();
        Names.ShouldAllBe(name => certificate.MatchesHostname(name, true, true));
    }

    [Fact]
    public void It_is_kept_for_two_thirds_of_its_life_and_then_signed_anew_by_the_same_authority()
    {
        var made = WebhookCertificates.Renew(current: null, Names, Now);

        WebhookCertificates.Renew(made, Names, Now.AddDays(59)).ShouldBeSameAs(made);
        var renewed = WebhookCertificates.Renew(made, Names, Now.AddDays(61));
        renewed.Authorities.ShouldBe(made.Authorities);
        renewed.Certificate.ShouldNotBe(made.Certificate);
        ShouldVerify(renewed, made.Authorities, Now.AddDays(61));
    }

    [Fact]
    public void A_new_authority_is_trusted_beside_the_one_whose_certificates_are_still_served()
    {
        var made = WebhookCertificates.Renew(current: null, Names, Now);
        var later = Now.AddDays(250);

        var renewed = WebhookCertificates.Renew(made, Names, later);

        renewed.AuthorityKey.ShouldNotBe(made.AuthorityKey);
        renewed.Authorities.ShouldEndWith(made.Authorities);
        ShouldVerify(renewed, renewed.Authorities, later);
        ShouldVerify(made, renewed.Authorities, Now.AddDays(10));
        WebhookCertificates.Renew(renewed, Names, later.AddDays(1)).ShouldBeSameAs(renewed);
    }

    [Fact]
    public void Other_names_and_what_cannot_be_read_lead_to_a_new_certificate()
    {
        var made = WebhookCertificates.Renew(current: null, Names, Now);

        WebhookCertificates.Renew(made, ["elsewhere.svc"], Now).Certificate.ShouldNotBe(made.Certificate);
        var repaired = WebhookCertificates.Renew(made with { Key = "broken" }, Names, Now);
        ShouldVerify(repaired, repaired.Authorities, Now);
    }

    private static void ShouldVerify(WebhookCertificates made, string authorities, DateTimeOffset when)
    {
        using var certificate = made.Load();
        var trusted = new X509Certificate2Collection();
        trusted.ImportFromPem(authorities);
        using var chain = new X509Chain
        {
            ChainPolicy =
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                VerificationTime = when.UtcDateTime,
            },
        };
        chain.ChainPolicy.CustomTrustStore.AddRange(trusted);
        chain.Build(certificate).ShouldBeTrue(string.Join(", ", chain.ChainStatus.Select(status => status.StatusInformation)));
    }
}
