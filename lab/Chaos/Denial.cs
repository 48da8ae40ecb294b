using System.Net.Sockets;
using OnCache.Kubernetes.NetworkPolicies;

namespace OnCache.Lab.Chaos;

/// <summary>What is denied: a pod to a pod on the port of a protocol, by the policies of the receiver (ingress) or of the sender (egress).</summary>
internal readonly record struct DenialKey(string Source, string Destination, ProtocolType Protocol, TrafficDirections Direction);

/// <summary>A denial in force.</summary>
/// <param name="Key">What.</param>
/// <param name="Written">Before the first change that it may follow from was written to the API.</param>
/// <param name="Visible">When the last such change could be read.</param>
/// <param name="Enforced">When the CNI's rule was in place.</param>
/// <param name="Node">Whose CNI enforces it, and whose agent must hear of it.</param>
/// <param name="IsHeard">That agent watches every object that changed; else only the lease bounds it.</param>
/// <param name="Cause">The changes, for a reader.</param>
internal sealed record Denial(
    DenialKey Key, TimeSpan Written, TimeSpan Visible, TimeSpan Enforced, string Node, bool IsHeard, string Cause);

/// <summary>A rule of the host that drops all packets from one pod to another.</summary>
/// <param name="Enforced">When it was in place.</param>
/// <param name="Bound">Within what time the agent hears of it: nothing where the kernel announces it.</param>
/// <param name="Node">Where it is.</param>
/// <param name="Cause">The rule.</param>
internal sealed record RuleDenial(string Source, string Destination, TimeSpan Enforced, TimeSpan Bound, string Node, string Cause);
