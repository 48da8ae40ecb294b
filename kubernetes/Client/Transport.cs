using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using OnCache.Kubernetes.Configuration;

namespace OnCache.Kubernetes.Client;

/// <summary>Builds the HTTP handlers a configuration asks for.</summary>
internal static class Transport
{
    public static HttpMessageHandler Create(KubernetesClientConfiguration configuration, KubernetesClientSettings settings)
    {
        var sockets = new SocketsHttpHandler
        {
            // Each watch is a stream of its own for minutes: one HTTP/2 connection may run out of them.
            EnableMultipleHttp2Connections = true,
            // Finds a peer that vanished without a word although every stream is silent, as a watch may be for minutes.
            KeepAlivePingDelay = settings.PingDelay,
            KeepAlivePingTimeout = settings.PingTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            // A load balancer in front of several API servers gets a chance to spread us again.
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            AutomaticDecompression = DecompressionMethods.GZip,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            SslOptions = Security(configuration),
        };
        return configuration.Token is { } token ? new BearerTokenHandler(token, sockets) : sockets;
    }

    private static SslClientAuthenticationOptions Security(KubernetesClientConfiguration configuration)
    {
        var options = new SslClientAuthenticationOptions();
        if (configuration.ClientCertificate is { } certificate)
        {
            options.ClientCertificates = [certificate];
        }

        if (configuration.Authorities is { } authorities)
        {
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                // A cluster's own authority publishes no revocation list.
                RevocationMode = X509RevocationMode.NoCheck,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }

        if (configuration.SkipTlsVerify)
        {
            // Refused by every source of configuration unless the user allowed it by name.
            options.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        }

        return options;
    }
}
