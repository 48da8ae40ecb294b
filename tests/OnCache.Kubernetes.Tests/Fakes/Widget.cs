using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Kubernetes.Tests.Fakes;

/// <summary>A custom resource of the tests.</summary>
[KubernetesEntity(Group = "tests.example.com", ApiVersion = "v1", Kind = "Widget")]
public sealed record Widget : CustomKubernetesEntity<WidgetSpec, WidgetStatus>;

/// <summary>What is wanted of a widget.</summary>
public sealed record WidgetSpec
{
    /// <summary>How big.</summary>
    public int Size { get; init; } = 1;

    /// <summary>Which colour.</summary>
    public WidgetColor Color { get; init; }
}

/// <summary>A colour.</summary>
public enum WidgetColor
{
    /// <summary>As fire.</summary>
    Red,

    /// <summary>As the sea.</summary>
    Blue,
}

/// <summary>What is known of a widget.</summary>
public sealed record WidgetStatus
{
    /// <summary>Where it stands.</summary>
    public string? Phase { get; init; }
}
