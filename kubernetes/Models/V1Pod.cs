using System.Text.Json.Serialization;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Kubernetes.Models;

/// <summary>A pod: the parts that say where it runs and which addresses it owns. Read only: an update would lose the rest.</summary>
[KubernetesEntity(Kind = "Pod", PluralName = "pods")]
public sealed record V1Pod : KubernetesObject
{
    /// <summary>Where it runs.</summary>
    public V1PodSpec Spec { get; init; } = new();

    /// <summary>Its phase and addresses.</summary>
    public V1PodStatus Status { get; init; } = new();
}

/// <summary>Where and how a pod runs.</summary>
public sealed record V1PodSpec
{
    /// <summary>The node; absent until it is scheduled.</summary>
    public string? NodeName { get; init; }

    /// <summary>The service account whose rights it has.</summary>
    public string? ServiceAccountName { get; init; }

    /// <summary>Whether it uses the node's own network.</summary>
    public bool HostNetwork { get; init; }

    /// <summary>Seconds that a pod has to end by itself; it is killed then.</summary>
    public long? TerminationGracePeriodSeconds { get; init; }
}

/// <summary>A pod as it is.</summary>
public sealed record V1PodStatus
{
    /// <summary><c>Pending</c>, <c>Running</c>, <c>Succeeded</c>, <c>Failed</c> or <c>Unknown</c>.</summary>
    public string? Phase { get; init; }

    /// <summary>The node's address.</summary>
    [JsonPropertyName("hostIP")]
    public string? HostIP { get; init; }

    /// <summary>The first address; absent until the network is set up.</summary>
    [JsonPropertyName("podIP")]
    public string? PodIP { get; init; }

    /// <summary>All addresses, one per family.</summary>
    [JsonPropertyName("podIPs")]
    public IReadOnlyList<V1PodIP> PodIPs { get; init; } = [];
}

/// <summary>An address of a pod.</summary>
/// <param name="Ip">The address.</param>
public sealed record V1PodIP(string Ip);
