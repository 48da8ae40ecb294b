using OnCache.Api;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Agent.Kubernetes;

[KubernetesEntity(Group = "oncache.io", ApiVersion = "v1alpha1", Kind = "NodeCacheConfig", PluralName = "nodecacheconfigs")]
[EntityScope(EntityScope.Cluster)]
internal sealed record NodeCacheConfigObject : CustomKubernetesEntity<NodeCacheConfigSpec, NodeCacheConfigStatus>;
