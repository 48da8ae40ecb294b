using System.Text.Json.Serialization;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Models;

/// <summary>
/// Object metadata, without <c>managedFields</c> but for their time: they are often larger than the object, no one here reads the rest,
/// and the API server keeps them when an update leaves them out.
/// </summary>
public sealed record V1ObjectMeta
{
    /// <summary>The name, unique within kind and namespace.</summary>
    public string? Name { get; init; }

    /// <summary>A prefix the API server completes to a unique name on creation.</summary>
    public string? GenerateName { get; init; }

    /// <summary>The namespace; absent for cluster-scoped objects.</summary>
    [JsonPropertyName("namespace")]
    public string? NamespaceProperty { get; init; }

    /// <summary>The identity in time: a new object under an old name has another.</summary>
    public string? Uid { get; init; }

    /// <summary>An opaque version of the stored object, for optimistic locking and watches.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>Counts changes of the desired state.</summary>
    public long? Generation { get; init; }

    /// <summary>When the object was stored first.</summary>
    public DateTimeOffset? CreationTimestamp { get; init; }

    /// <summary>Set once deletion was asked for; the object goes when its finalizers are gone.</summary>
    public DateTimeOffset? DeletionTimestamp { get; init; }

    /// <summary>When someone last changed the object, to the second: the latest time among its <c>managedFields</c>. Never written.</summary>
    [JsonPropertyName("managedFields")]
    [JsonConverter(typeof(LatestChangeConverter))]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWriting)]
    public DateTimeOffset? LastChange { get; init; }

    /// <summary>Seconds granted for a graceful end.</summary>
    public long? DeletionGracePeriodSeconds { get; init; }

    /// <summary>Labels, by which objects are selected.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>Annotations.</summary>
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    /// <summary>What must be done before the object may go.</summary>
    public IReadOnlyList<string>? Finalizers { get; init; }

    /// <summary>Objects whose deletion takes this one along.</summary>
    public IReadOnlyList<V1OwnerReference>? OwnerReferences { get; init; }
}
