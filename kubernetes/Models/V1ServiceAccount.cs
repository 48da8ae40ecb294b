using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Kubernetes.Models;

/// <summary>An account of pods: its metadata, which say that it is there.</summary>
[KubernetesEntity(Kind = "ServiceAccount", PluralName = "serviceaccounts")]
public sealed record V1ServiceAccount : KubernetesObject;
