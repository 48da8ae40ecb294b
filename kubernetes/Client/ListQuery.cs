using OnCache.Kubernetes.Entities;

namespace OnCache.Kubernetes.Client;

/// <summary>Which objects of a kind, and how to list them.</summary>
public sealed record ListQuery
{
    /// <summary>
    /// Another kind than the type's own, known only at run time; of its objects the server sends the metadata alone, for a
    /// <see cref="Models.V1PartialObjectMetadata"/>.
    /// </summary>
    public EntityType? MetadataOf { get; init; }

    /// <summary>The namespace; <see langword="null"/> for all of them or for cluster-scoped kinds.</summary>
    public string? Namespace { get; init; }

    /// <summary>Labels, such as <c>app=web,tier!=cache</c>.</summary>
    public string? LabelSelector { get; init; }

    /// <summary>Fields, such as <c>spec.nodeName=node-1</c>.</summary>
    public string? FieldSelector { get; init; }

    /// <summary>
    /// How fresh: <see langword="null"/> for the latest, read from the store in pages; <c>0</c> for whatever the API server has in memory;
    /// a version for anything not older.
    /// </summary>
    public string? ResourceVersion { get; init; }

    /// <summary>Objects per page of a list read from the store.</summary>
    public int PageSize { get; init; } = 500;
}
