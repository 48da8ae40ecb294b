using System.Text.Json.Nodes;
using OnCache.Api;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Operator.Compilation;

namespace OnCache.Operator.Controllers;

/// <summary>The writes of the operator.</summary>
internal sealed class ClusterWriter(IKubernetesClient client)
{
    /// <summary>The field manager of every write.</summary>
    public const string FieldManager = "oncache-operator";

    private readonly CanonicalText _text = new();

    // The spec is the operator's alone: whoever else wrote it is overruled. An apply leaves standing what another added beside our fields,
    // and every turn would find it again; a replacement takes it away.
    public async Task ApplyAsync(V1Alpha1NodeCacheConfig config, CancellationToken cancellationToken)
    {
        if (await client.ApplyAsync(config, force: true, cancellationToken) is ApplyResult<V1Alpha1NodeCacheConfig>.Applied { Entity: var stored }
            && _text.Of(stored.Spec) != _text.Of(config.Spec))
        {
            _ = await client.UpdateAsync(stored with { Spec = config.Spec }, cancellationToken);
        }
    }

    public Task DeleteAsync(V1Alpha1NodeCacheConfig config, CancellationToken cancellationToken) =>
        client.DeleteAsync<V1Alpha1NodeCacheConfig>(NamespacedName.Of(config), new DeleteOptions { Uid = config.Metadata.Uid }, cancellationToken);

    public async Task ApplyStatusAsync(StatusChange change, CancellationToken cancellationToken)
    {
        var own = new V1Alpha1OverlayCachePolicy
        {
            Metadata = new V1ObjectMeta { Name = change.Policy.Metadata.Name, Uid = change.Policy.Metadata.Uid },
            Status = change.Status,
        };
        if (await client.ApplyStatusAsync(own, force: true, cancellationToken) is ApplyResult<V1Alpha1OverlayCachePolicy>.Applied { Entity: var stored }
            && (stored.Status is null || _text.Of(stored.Status) != _text.Of(change.Status)))
        {
            _ = await client.UpdateStatusAsync(stored with { Status = change.Status }, cancellationToken);
        }
    }

    public Task HoldAsync(V1Alpha1OverlayCachePolicy policy, CancellationToken cancellationToken) =>
        SetFinalizersAsync(policy, [.. policy.Metadata.Finalizers ?? [], ApiGroup.FlushFinalizer], cancellationToken);

    public Task ReleaseAsync(V1Alpha1OverlayCachePolicy policy, CancellationToken cancellationToken) => SetFinalizersAsync(
        policy,
        [.. (policy.Metadata.Finalizers ?? []).Where(name => !string.Equals(name, ApiGroup.FlushFinalizer, StringComparison.Ordinal))],
        cancellationToken);

    // A list is replaced as a whole, so only if nobody changed it since.
    private Task<V1Alpha1OverlayCachePolicy> SetFinalizersAsync(V1Alpha1OverlayCachePolicy policy, string[] finalizers, CancellationToken cancellationToken) =>
        client.PatchAsync<V1Alpha1OverlayCachePolicy>(
            NamespacedName.Of(policy),
            new JsonObject
            {
                ["metadata"] = new JsonObject
                {
                    ["uid"] = policy.Metadata.Uid,
                    ["resourceVersion"] = policy.Metadata.ResourceVersion,
                    ["finalizers"] = new JsonArray([.. finalizers.Select(name => JsonValue.Create(name))]),
                },
            },
            cancellationToken);
}
