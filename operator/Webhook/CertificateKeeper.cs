using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Operator.Webhook;

/// <summary>Where the webhook's certificate lives and for whom it is.</summary>
/// <param name="Namespace">The operator's namespace.</param>
/// <param name="Secret">The secret.</param>
/// <param name="Service">The webhook's service.</param>
/// <param name="Configuration">The ValidatingWebhookConfiguration to keep in step.</param>
internal sealed record CertificatePlace(string Namespace, string Secret, string Service, string Configuration)
{
    /// <summary>The names by which the API server may call the service.</summary>
    public IReadOnlyList<string> Names { get; init; } = [$"{Service}.{Namespace}.svc", $"{Service}.{Namespace}.svc.cluster.local"];
}

/// <summary>
/// Keeps the webhook's certificate in a secret that all replicas serve from. Whichever replica finds that it must be renewed does so; the
/// secret's version decides between two.
/// </summary>
internal sealed partial class CertificateKeeper(IKubernetesClient client, CertificatePlace place, TimeProvider time, ILogger<CertificateKeeper> logger) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private WebhookCertificates? _current;
    private X509Certificate2? _served;

    /// <summary>The certificate to serve; absent until the first is there.</summary>
    public X509Certificate2? Served
    {
        get
        {
            lock (_lock)
            {
                return _served;
            }
        }
    }

    /// <summary>Looks after the certificate until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var wait = Interval;
            try
            {
                await KeepAsync(cancellationToken);
            }
            catch (KubernetesException exception)
            {
                LogFailed(exception.Message);
                wait = RetryInterval;
            }

            await Task.Delay(wait, time, cancellationToken);
        }
    }

    public void Dispose() => _served?.Dispose();

    private async Task KeepAsync(CancellationToken cancellationToken)
    {
        var name = new NamespacedName(place.Namespace, place.Secret);
        var secret = await client.GetAsync<V1Secret>(name, cancellationToken);
        var stored = Read(secret);
        var wanted = WebhookCertificates.Renew(stored, place.Names, time.GetUtcNow());
        if (!ReferenceEquals(wanted, stored))
        {
            await StoreAsync(secret, wanted, cancellationToken);
            LogRenewed(place.Namespace, place.Secret);
        }

        Serve(wanted);
        await PublishAsync(wanted, cancellationToken);
    }

    private Task<V1Secret> StoreAsync(V1Secret? secret, WebhookCertificates certificates, CancellationToken cancellationToken)
    {
        var next = new V1Secret
        {
            Metadata = new V1ObjectMeta
            {
                Name = place.Secret,
                NamespaceProperty = place.Namespace,
                ResourceVersion = secret?.Metadata.ResourceVersion,
                Labels = secret?.Metadata.Labels,
            },
            Type = "kubernetes.io/tls",
            Data = new Dictionary<string, byte[]>(StringComparer.Ordinal)
            {
                ["ca.crt"] = Encoding.ASCII.GetBytes(certificates.Authorities),
                ["ca.key"] = Encoding.ASCII.GetBytes(certificates.AuthorityKey),
                ["tls.crt"] = Encoding.ASCII.GetBytes(certificates.Certificate),
                ["tls.key"] = Encoding.ASCII.GetBytes(certificates.Key),
            },
        };
        return secret is null ? client.CreateAsync(next, cancellationToken) : client.UpdateAsync(next, cancellationToken);
    }

    private static WebhookCertificates? Read(V1Secret? secret) =>
        secret?.Data is { } data
        && data.TryGetValue("ca.crt", out var authorities)
        && data.TryGetValue("ca.key", out var authorityKey)
        && data.TryGetValue("tls.crt", out var certificate)
        && data.TryGetValue("tls.key", out var key)
            ? new WebhookCertificates(Text(authorities), Text(authorityKey), Text(certificate), Text(key))
            : null;

    private static string Text(byte[] bytes) => Encoding.ASCII.GetString(bytes);

    private void Serve(WebhookCertificates certificates)
    {
        lock (_lock)
        {
            if (certificates == _current)
            {
                return;
            }

            // Connections under the former certificate keep using it; the collector ends it after the last.
            _served = certificates.Load();
            _current = certificates;
        }
    }

    private async Task PublishAsync(WebhookCertificates certificates, CancellationToken cancellationToken)
    {
        var configuration = await client.GetAsync<V1ValidatingWebhookConfiguration>(NamespacedName.ClusterScoped(place.Configuration), cancellationToken);
        var bundle = Encoding.ASCII.GetBytes(certificates.Authorities);
        if (configuration?.Webhooks is not { Count: > 0 } webhooks
            || webhooks.All(webhook => webhook.ClientConfig.CaBundle?.AsSpan().SequenceEqual(bundle) == true))
        {
            return;
        }

        _ = await client.ApplyAsync(
            new V1ValidatingWebhookConfiguration
            {
                Metadata = new V1ObjectMeta { Name = place.Configuration },
                Webhooks = [.. webhooks.Select(webhook => new V1ValidatingWebhook { Name = webhook.Name, ClientConfig = new V1WebhookClientConfig { CaBundle = bundle } })],
            },
            force: true,
            cancellationToken);
        LogPublished(place.Configuration);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "certificate of the webhook renewed in secret {Namespace}/{Secret}")]
    private partial void LogRenewed(string @namespace, string secret);

    [LoggerMessage(Level = LogLevel.Information, Message = "authority of the webhook's certificate written to ValidatingWebhookConfiguration {Name}")]
    private partial void LogPublished(string name);

    [LoggerMessage(Level = LogLevel.Warning, Message = "certificate of the webhook not looked after, to be tried again: {Cause}")]
    private partial void LogFailed(string cause);
}
