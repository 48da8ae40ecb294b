using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Operator.Webhook;

/// <summary>Which webhooks the API server asks: only what the operator writes, the authority of its own certificate.</summary>
[KubernetesEntity(Group = "admissionregistration.k8s.io", Kind = "ValidatingWebhookConfiguration", PluralName = "validatingwebhookconfigurations")]
[EntityScope(EntityScope.Cluster)]
internal sealed record V1ValidatingWebhookConfiguration : KubernetesObject
{
    /// <summary>The webhooks, by name.</summary>
    public IReadOnlyList<V1ValidatingWebhook>? Webhooks { get; init; }
}

/// <summary>One webhook.</summary>
internal sealed record V1ValidatingWebhook
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>How it is reached.</summary>
    public V1WebhookClientConfig ClientConfig { get; init; } = new();
}

/// <summary>How a webhook is reached.</summary>
internal sealed record V1WebhookClientConfig
{
    /// <summary>The authorities to trust, as PEM.</summary>
    public byte[]? CaBundle { get; init; }
}
