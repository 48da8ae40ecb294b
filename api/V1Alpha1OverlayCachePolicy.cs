using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Api;

/// <summary>Says which pods may use the cached fast path of the container overlay network. Everything else stays on the CNI's own path.</summary>
[KubernetesEntity(Group = ApiGroup.Name, ApiVersion = ApiGroup.Version, Kind = "OverlayCachePolicy", PluralName = "overlaycachepolicies")]
[EntityScope(EntityScope.Cluster)]
[KubernetesEntityShortNames("ocp")]
[KubernetesEntityCategories("oncache")]
[GenericAdditionalPrinterColumn(".spec.mode", "Mode", "string", Description = "What happens with the pods it covers")]
[GenericAdditionalPrinterColumn(".spec.priority", "Priority", "integer", Description = "Higher wins")]
[GenericAdditionalPrinterColumn(".status.conditions[?(@.type==\"Ready\")].status", "Ready", "string", Description = "Whether it is in force on every node it covers")]
[GenericAdditionalPrinterColumn(".status.conditions[?(@.type==\"Ready\")].reason", "Reason", "string", Description = "Why it is ready or not")]
[GenericAdditionalPrinterColumn(".status.nodes.selected", "Nodes", "integer", Description = "Nodes it covers")]
[GenericAdditionalPrinterColumn(".status.nodes.programmed", "Programmed", "integer", Description = "Nodes that have put it in force")]
[GenericAdditionalPrinterColumn(".status.pods.accelerated", "Accelerated", "integer", Description = "Pods whose flows take the fast path")]
[GenericAdditionalPrinterColumn(".metadata.creationTimestamp", "Age", "date", Description = "Since when it exists")]
[GenericAdditionalPrinterColumn(".status.message", "Message", "string", Description = "What keeps it from being in force everywhere", Priority = 1)]
public sealed record V1Alpha1OverlayCachePolicy : CustomKubernetesEntity<OverlayCachePolicySpec, OverlayCachePolicyStatus>;
