using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using OnCache.Kubernetes.Serialization;
using OnCache.Operator.Webhook;

[assembly: WebhookJsonContracts]

namespace OnCache.Operator.Webhook;

/// <summary>How the kind that the operator alone writes is written.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(V1ValidatingWebhookConfiguration))]
internal sealed partial class WebhookContracts : JsonSerializerContext;

[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class WebhookJsonContractsAttribute : JsonContractsAttribute
{
    public override IJsonTypeInfoResolver Contracts => WebhookContracts.Default;
}
