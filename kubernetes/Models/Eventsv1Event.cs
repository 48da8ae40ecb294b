using System.Text.Json.Serialization;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Models;

/// <summary>Something that happened to an object, for people to read.</summary>
[KubernetesEntity(Group = "events.k8s.io", Kind = "Event", PluralName = "events")]
public sealed record Eventsv1Event : KubernetesObject
{
    /// <summary>When it happened first.</summary>
    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? EventTime { get; init; }

    /// <summary>How often it happened, when more than once.</summary>
    public V1EventSeries? Series { get; init; }

    /// <summary>Who reports.</summary>
    public string? ReportingController { get; init; }

    /// <summary>Which replica of it.</summary>
    public string? ReportingInstance { get; init; }

    /// <summary>What was done or attempted, in a word.</summary>
    public string? Action { get; init; }

    /// <summary>Why, in a word.</summary>
    public string? Reason { get; init; }

    /// <summary>The object it is about.</summary>
    public V1ObjectReference? Regarding { get; init; }

    /// <summary>A sentence, of at most 1024 characters.</summary>
    public string? Note { get; init; }

    /// <summary><c>Normal</c> or <c>Warning</c>.</summary>
    public string? Type { get; init; }
}

/// <summary>Repetitions of an event.</summary>
public sealed record V1EventSeries
{
    /// <summary>How often so far.</summary>
    public int Count { get; init; }

    /// <summary>When last.</summary>
    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset LastObservedTime { get; init; }
}

/// <summary>Names one object.</summary>
public sealed record V1ObjectReference
{
    /// <summary>Its group and version.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Its kind.</summary>
    public string? Kind { get; init; }

    /// <summary>Its namespace.</summary>
    [JsonPropertyName("namespace")]
    public string? NamespaceProperty { get; init; }

    /// <summary>Its name.</summary>
    public string? Name { get; init; }

    /// <summary>Its UID.</summary>
    public string? Uid { get; init; }
}
