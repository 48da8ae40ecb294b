using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Kubernetes.Models;

/// <summary>A DaemonSet: its metadata, which say whether it stays.</summary>
[KubernetesEntity(Group = "apps", Kind = "DaemonSet", PluralName = "daemonsets")]
public sealed record V1DaemonSet : KubernetesObject;
