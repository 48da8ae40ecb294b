using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Lab.Api;

/// <summary>A pod to be created: what the API server asks for at least.</summary>
[KubernetesEntity(Kind = "Pod", PluralName = "pods")]
internal sealed record PodManifest : KubernetesObject
{
    public required PodManifestSpec Spec { get; init; }
}

/// <param name="NodeName">Where it runs: there is no scheduler.</param>
internal sealed record PodManifestSpec(string NodeName, IReadOnlyList<PodManifestContainer> Containers);

internal sealed record PodManifestContainer(string Name, string Image);
