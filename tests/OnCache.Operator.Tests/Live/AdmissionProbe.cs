using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using OnCache.Api;
using OnCache.Lab.Cluster.Control;

namespace OnCache.Operator.Tests.Live;

/// <summary>Asks an API server whether it would store an object, which it then does not.</summary>
internal sealed class AdmissionProbe : IDisposable
{
    private readonly X509Certificate2 _authority;
    private readonly HttpClient _http;

    public AdmissionProbe(ControlPlane plane)
    {
        _authority = X509CertificateLoader.LoadCertificateFromFile(plane.AuthorityFile);
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { _authority },
            RevocationMode = X509RevocationMode.NoCheck,
        };
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy } })
        {
            BaseAddress = plane.Server,
            Timeout = TimeSpan.FromSeconds(60),
        };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", plane.AdminToken);
    }

    /// <summary>Asks.</summary>
    /// <param name="document">The object.</param>
    /// <param name="group">Of its definition.</param>
    /// <returns>Why the object would be refused; empty when it would be stored.</returns>
    public async Task<string> RefusalAsync(JsonObject document, string group = ApiGroup.Name)
    {
        var asked = document.DeepClone();
        asked["apiVersion"] = $"{group}/{ApiGroup.Version}";
        var plural = ((string)asked["kind"]!).ToLowerInvariant() is var kind && kind.EndsWith('y') ? $"{kind[..^1]}ies" : $"{kind}s";
        using var content = new StringContent(asked.ToJsonString(), Encoding.UTF8, "application/json");
        using var response = await _http.PostAsync(new Uri($"apis/{group}/{ApiGroup.Version}/{plural}?dryRun=All", UriKind.Relative), content, TestContext.Current.CancellationToken);
        var said = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return response.IsSuccessStatusCode ? "" : (string?)JsonNode.Parse(said)!["message"] ?? said;
    }

    public void Dispose()
    {
        _http.Dispose();
        _authority.Dispose();
    }
}
