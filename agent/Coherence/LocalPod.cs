using OnCache.Agent.Net;

namespace OnCache.Agent.Coherence;

/// <summary>A pod of this node, so far as verdicts depend on it. Pods on the node's own network are none: they are never accelerated.</summary>
/// <param name="Address">Null while it has none, and once it has ended.</param>
/// <param name="HasEnded">It succeeded or failed.</param>
internal sealed record LocalPod(
    string Uid,
    string Namespace,
    string Name,
    Ipv4Address? Address,
    IReadOnlyDictionary<string, string> Labels,
    bool HasEnded = false)
{
    public FlushTarget Target => new(Uid, Address);

    public string Subject => $"pod {Namespace}/{Name}";
}
