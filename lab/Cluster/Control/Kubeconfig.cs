using System.Text;
using OnCache.Lab.Cluster.Pki;

namespace OnCache.Lab.Cluster.Control;

/// <summary>A client's configuration, whole in one file: server, authority, credentials.</summary>
internal static class Kubeconfig
{
    public static string WithCertificate(Uri server, string authority, string user, PemPair certificate) => Render(
        server,
        authority,
        user,
        $"client-certificate-data: {Base64(certificate.Public)}, client-key-data: {Base64(certificate.PrivateKey)}");

    public static string WithToken(Uri server, string authority, string user, string token) =>
        Render(server, authority, user, $"token: {token}");

    private static string Render(Uri server, string authority, string user, string credentials) => $$"""
        apiVersion: v1
        kind: Config
        clusters:
        - name: oncache-lab
          cluster:
            server: {{server.GetLeftPart(UriPartial.Authority)}}
            certificate-authority-data: {{Base64(authority)}}
        users:
        - name: "{{user}}"
          user: { {{credentials}} }
        contexts:
        - name: oncache-lab
          context:
            cluster: oncache-lab
            user: "{{user}}"
        current-context: oncache-lab

        """;

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
