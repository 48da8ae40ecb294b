using System.Net;
using System.Reflection;
using System.Security.Cryptography.X509Certificates;
using k8s;
using OnCache.Kubernetes.Configuration;

namespace OnCache.Kubernetes.Client;

/// <summary>The library's client: connections, trust and credentials. Added is how connections fail and what the library leaves open.</summary>
internal sealed class ApiServer : k8s.Kubernetes
{
    private ApiServer(KubernetesClientConfiguration configuration, params DelegatingHandler[] handlers)
        : base(configuration, handlers)
    {
    }

    /// <summary>A client of the configured server. Nothing is sent yet.</summary>
    public static ApiServer Create(KubernetesClientConfiguration configuration, KubernetesClientSettings settings)
    {
        var version = Assembly.GetEntryAssembly()?.GetName().Version?.ToString(3) ?? "0.0.0";
        configuration.UserAgent = $"{settings.FieldManager}/{version}";
        var sockets = default(SocketsHttpHandler);
        configuration.FirstMessageHandlerSetup = handler =>
        {
            Configure(handler, configuration, settings);
            sockets = handler;
        };
        var server = configuration.TokenProvider is RenewableToken token
            ? new ApiServer(configuration, new FailedAnswerHandler(), new RefusedTokenHandler(token))
            : new ApiServer(configuration, new FailedAnswerHandler());
        if (!configuration.SkipTlsVerify)
        {
            // The library's own check lets a certificate pass that an authority of the cluster made for another name, such as a kubelet's,
            // and any that an authority of the system made. The connection's own check by the policy below does not.
            sockets!.SslOptions.RemoteCertificateValidationCallback = null;
        }

        return server;
    }

    /// <summary>Sends a request with our credentials; the answer's body is still to be read.</summary>
    /// <exception cref="k8s.Autorest.HttpOperationException">The server's answer is no success.</exception>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(HttpClient is null, this);
        return SendRequestRaw("", request, cancellationToken);
    }

    private static void Configure(SocketsHttpHandler handler, KubernetesClientConfiguration configuration, KubernetesClientSettings settings)
    {
        // Finds a peer that vanished without a word although every stream is silent, as a watch may be for minutes.
        handler.KeepAlivePingDelay = settings.PingDelay;
        handler.KeepAlivePingTimeout = settings.PingTimeout;
        handler.ConnectTimeout = TimeSpan.FromSeconds(10);

        // A load balancer in front of several API servers gets a chance to spread us again.
        handler.PooledConnectionLifetime = TimeSpan.FromMinutes(10);
        handler.AutomaticDecompression = DecompressionMethods.GZip;
        handler.AllowAutoRedirect = false;
        handler.UseCookies = false;
        handler.UseProxy = false;
        if (configuration.SslCaCerts is { } authorities)
        {
            handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                // A cluster's own authority publishes no revocation list.
                RevocationMode = X509RevocationMode.NoCheck,
            };
            handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }
    }
}
