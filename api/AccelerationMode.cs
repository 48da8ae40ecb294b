using System.Text.Json.Serialization;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Api;

/// <summary>What happens with the flows of an endpoint.</summary>
[JsonConverter(typeof(EnumText<AccelerationMode>))]
public enum AccelerationMode
{
    /// <summary>They take the fast path once learned.</summary>
    Accelerate,

    /// <summary>They are learned, and what would have been accelerated is counted; nothing is redirected.</summary>
    Observe,

    /// <summary>They stay on the CNI's path and are not learned.</summary>
    Disabled,
}
