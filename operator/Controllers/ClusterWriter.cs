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

    // An apply makes what is not there, also of a kind whose definition is being deleted: the definition would wait for the new object and
    // stay. So what is new is created, which the API server refuses then, and an apply names the object that it is for. What is created is
    // empty: of fields that were created, an apply could not take away any.
    //
    // The spec is the operator's alone: whoever else wrote it is overruled. An apply leaves standing what another added beside our fields,
    // and every turn would find it again; a replacement takes it away.
    public async Task ApplyAsync(V1Alpha1NodeCacheConfig config, CancellationToken cancellationToken)
    {
        if (config.Metadata.Uid is null)
        {
            var created = await client.CreateAsync(new V1Alpha1NodeCacheConfig { Metadata = config.Metadata }, cancellationToken);
            config = config with { Metadata = config.Metadata with { Uid = created.Metadata.Uid } };
        }

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

    // The list is replaced as a whole, so only if nobody changed it since.
    public Task ReleaseAsync(V1Alpha1OverlayCachePolicy policy, CancellationToken cancellationToken)
    {
        var others = policy.Metadata.Finalizers!.Where(static name => !string.Equals(name, ApiGroup.FlushFinalizer, StringComparison.Ordinal));
        return client.PatchAsync<V1Alpha1OverlayCachePolicy>(
            NamespacedName.Of(policy),
            new JsonObject
            {
                ["metadata"] = new JsonObject
                {
                    ["uid"] = policy.Metadata.Uid,
                    ["resourceVersion"] = policy.Metadata.ResourceVersion,
                    ["finalizers"] = new JsonArray([.. others.Select(static name => JsonValue.Create(name))]),
                },
            },
            cancellationToken);
    }
}
