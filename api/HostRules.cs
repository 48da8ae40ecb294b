using System.Text.Json.Serialization;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Api;

/// <summary>What becomes of flows that a rule of the node's own must see packet by packet.</summary>
[JsonConverter(typeof(EnumText<HostRules>))]
public enum HostRules
{
    /// <summary>They stay on the CNI's path.</summary>
    Respect,

    /// <summary>They take the fast path all the same. Changes of rules still flush, and rewriting is still noticed.</summary>
    Ignore,
}
