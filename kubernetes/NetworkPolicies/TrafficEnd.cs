using System.Net;

namespace OnCache.Kubernetes.NetworkPolicies;

/// <summary>One end of some traffic.</summary>
/// <param name="Address">Its address.</param>
/// <param name="Pod">The pod that has the address; <see langword="null"/> where none does.</param>
public sealed record TrafficEnd(IPAddress Address, PolicyPod? Pod = null);

/// <summary>What connections go to.</summary>
/// <param name="Protocol"><c>TCP</c>, <c>UDP</c>, <c>SCTP</c>, or another, which has no ports.</param>
/// <param name="Number">The port; <see langword="null"/> for a protocol without.</param>
public readonly record struct TrafficPort(string Protocol, int? Number);

/// <summary>Directions, as a pod sees them.</summary>
[Flags]
public enum TrafficDirections
{
    /// <summary>Neither.</summary>
    None = 0,

    /// <summary>What others begin.</summary>
    Ingress = 1,

    /// <summary>What it begins.</summary>
    Egress = 2,

    /// <summary>Both.</summary>
    All = Ingress | Egress,
}
