using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Kubernetes.Models;

/// <summary>The metadata of an object of any kind.</summary>
[KubernetesEntity(Group = "meta.k8s.io", Kind = "PartialObjectMetadata", PluralName = "partialobjectmetadata")]
public sealed record V1PartialObjectMetadata : KubernetesObject;
