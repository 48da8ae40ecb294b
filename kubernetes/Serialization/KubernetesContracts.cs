using System.Text.Json;
using System.Text.Json.Serialization;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Serialization;

/// <summary>The objects of Kubernetes' own API that are read or written here, and what fields of any object consist of.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(Eventsv1Event))]
[JsonSerializable(typeof(k8s.Models.V1APIGroupList))]
[JsonSerializable(typeof(k8s.Models.V1APIResourceList))]
[JsonSerializable(typeof(V1ConfigMap))]
[JsonSerializable(typeof(V1DaemonSet))]
[JsonSerializable(typeof(V1Lease))]
[JsonSerializable(typeof(V1Namespace))]
[JsonSerializable(typeof(V1NetworkPolicy))]
[JsonSerializable(typeof(V1Node))]
[JsonSerializable(typeof(V1PartialObjectMetadata))]
[JsonSerializable(typeof(V1Pod))]
[JsonSerializable(typeof(V1Secret))]
[JsonSerializable(typeof(V1ServiceAccount))]
[JsonSerializable(typeof(k8s.Models.V1Status))]
[JsonSerializable(typeof(ListPageMeta))]
[JsonSerializable(typeof(TimeSpan))]
[JsonSerializable(typeof(DateTimeOffset))]
[JsonSerializable(typeof(JsonElement))]
internal sealed partial class KubernetesContracts : JsonSerializerContext;
