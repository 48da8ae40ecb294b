using System.Text.Json;
using System.Text.Json.Serialization;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Models;

/// <summary>Who holds something, and for how long without a renewal.</summary>
[KubernetesEntity(Group = "coordination.k8s.io", Kind = "Lease", PluralName = "leases")]
public sealed record V1Lease : KubernetesObject
{
    /// <summary>The holder.</summary>
    public V1LeaseSpec Spec { get; init; } = new();
}

/// <summary>The holder of a lease. Times are those of the writer's clock, for people; no one decides by them.</summary>
public sealed record V1LeaseSpec
{
    /// <summary>Who; absent or empty when released.</summary>
    public string? HolderIdentity { get; init; }

    /// <summary>After this many seconds without a renewal others may take it.</summary>
    public int? LeaseDurationSeconds { get; init; }

    /// <summary>When the holder took it.</summary>
    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? AcquireTime { get; init; }

    /// <summary>When the holder renewed it last.</summary>
    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? RenewTime { get; init; }

    /// <summary>How often it changed hands.</summary>
    public int? LeaseTransitions { get; init; }

    /// <summary>What newer servers added: an update must not lose it.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; init; }
}
