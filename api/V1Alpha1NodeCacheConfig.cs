using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Api;

/// <summary>What one node's agent has to do. Written by the operator from the policies that cover the node; its status by that node's agent.</summary>
[KubernetesEntity(Group = ApiGroup.Name, ApiVersion = ApiGroup.Version, Kind = "NodeCacheConfig", PluralName = "nodecacheconfigs")]
[EntityScope(EntityScope.Cluster)]
[KubernetesEntityShortNames("ncc")]
[KubernetesEntityCategories("oncache")]
[GenericAdditionalPrinterColumn(".status.conditions[?(@.type==\"Ready\")].status", "Ready", "string", Description = "Whether the agent has put it in force")]
[GenericAdditionalPrinterColumn(".status.conditions[?(@.type==\"Ready\")].reason", "Reason", "string", Description = "Why it is in force or not")]
[GenericAdditionalPrinterColumn(".status.endpoints.accelerated", "Accelerated", "integer", Description = "Pods whose flows take the fast path")]
[GenericAdditionalPrinterColumn(".status.endpoints.disabled", "Disabled", "integer", Description = "Pods kept on the CNI's path")]
[GenericAdditionalPrinterColumn(".status.capabilities.attach", "Attach", "string", Description = "How programs are attached")]
[GenericAdditionalPrinterColumn(".status.capabilities.kernel", "Kernel", "string", Description = "The kernel's release", Priority = 1)]
[GenericAdditionalPrinterColumn(".metadata.creationTimestamp", "Age", "date", Description = "Since when it exists")]
public sealed record V1Alpha1NodeCacheConfig : CustomKubernetesEntity<NodeCacheConfigSpec, NodeCacheConfigStatus>;
