using System.Text.Json.Nodes;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Client;

/// <summary>What a server-side apply sends: only fields that an applier may own.</summary>
internal static class ApplyDocument
{
    private static readonly string[] ServerSet = ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"];

    public static JsonObject ForObject<T>(T entity)
        where T : IKubernetesObject<V1ObjectMeta>
    {
        var node = KubernetesJson.ToNode(entity);
        _ = node.Remove("status");
        if (node["metadata"] is JsonObject metadata)
        {
            foreach (var field in ServerSet)
            {
                _ = metadata.Remove(field);
            }
        }

        return node;
    }

    public static JsonObject ForStatus<T>(T entity)
        where T : IKubernetesObject<V1ObjectMeta>
    {
        var node = KubernetesJson.ToNode(entity);
        var metadata = new JsonObject { ["name"] = entity.Metadata.Name };
        if (entity.Metadata.NamespaceProperty is { } home)
        {
            metadata["namespace"] = home;
        }

        return new JsonObject
        {
            ["apiVersion"] = node["apiVersion"]!.DeepClone(),
            ["kind"] = node["kind"]!.DeepClone(),
            ["metadata"] = metadata,
            ["status"] = node["status"]?.DeepClone() ?? new JsonObject(),
        };
    }
}
