using System.Text.Json.Nodes;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Controllers;

/// <summary>Notes finalizers on objects, carries them out, and strikes them off.</summary>
internal sealed class Finalization<TEntity>(IKubernetesClient client, IReadOnlyList<FinalizerRegistration<TEntity>> finalizers)
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>Notes those that are missing; returns the object as it is now.</summary>
    public async Task<TEntity> AttachAsync(TEntity entity, CancellationToken cancellationToken)
    {
        var noted = entity.Metadata.Finalizers ?? [];
        var missing = finalizers.Select(finalizer => finalizer.Identifier).Except(noted, StringComparer.Ordinal).ToArray();
        return missing.Length == 0 ? entity : await WriteAsync(entity, [.. noted, .. missing], cancellationToken);
    }

    /// <summary>Carries out ours in order and strikes each off when it is done.</summary>
    public async Task<ReconciliationResult<TEntity>> FinalizeAsync(TEntity entity, CancellationToken cancellationToken)
    {
        foreach (var (identifier, finalizer) in finalizers)
        {
            if (entity.Metadata.Finalizers?.Contains(identifier, StringComparer.Ordinal) != true)
            {
                continue;
            }

            var result = await finalizer.FinalizeAsync(entity, cancellationToken);
            if (result.IsFailure || result.RequeueAfter is not null)
            {
                return result;
            }

            try
            {
                var left = entity.Metadata.Finalizers.Where(noted => noted != identifier).ToArray();
                entity = await WriteAsync(entity, left, cancellationToken);
            }
            catch (KubernetesException exception) when (exception.Reason == StatusReason.NotFound)
            {
                // Someone struck them all off, and the object went.
                break;
            }
        }

        return ReconciliationResult<TEntity>.Success(entity);
    }

    // A merge patch replaces the list as a whole: with the version, what others note meanwhile is not lost.
    private Task<TEntity> WriteAsync(TEntity entity, IReadOnlyList<string> identifiers, CancellationToken cancellationToken) =>
        client.PatchAsync<TEntity>(
            NamespacedName.Of(entity),
            new JsonObject
            {
                ["metadata"] = new JsonObject
                {
                    ["resourceVersion"] = entity.Metadata.ResourceVersion,
                    ["finalizers"] = new JsonArray([.. identifiers.Select(identifier => JsonValue.Create(identifier))]),
                },
            },
            cancellationToken);
}
