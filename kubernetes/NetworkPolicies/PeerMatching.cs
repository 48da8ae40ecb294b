using System.Globalization;
using System.Net;
using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.NetworkPolicies;

/// <summary>Whom a clause of <c>from</c> or <c>to</c> names.</summary>
public static class PeerMatching
{
    /// <summary>Whether the clause names this end.</summary>
    /// <param name="peer">The clause.</param>
    /// <param name="home">The namespace of its policy.</param>
    /// <param name="end">Who is asked about.</param>
    public static bool Matches(V1NetworkPolicyPeer peer, string? home, TrafficEnd end) =>
        peer.IpBlock is { } block ? Contains(block, end.Address) : end.Pod is { } pod && Matches(peer, home, pod);

    /// <summary>Whether the clause names the pod by its labels. A block of addresses names none, whoever has them.</summary>
    /// <param name="peer">The clause.</param>
    /// <param name="home">The namespace of its policy.</param>
    /// <param name="pod">The pod.</param>
    public static bool Matches(V1NetworkPolicyPeer peer, string? home, PolicyPod pod) =>
        peer is { IpBlock: null } and not { PodSelector: null, NamespaceSelector: null }
        && (peer.NamespaceSelector?.Matches(pod.NamespaceLabels) ?? pod.Name.Namespace == home)
        && peer.PodSelector?.Matches(pod.Labels) != false;

    /// <summary>Whether the address lies in the block and in none of its holes. What cannot be read allows nothing.</summary>
    public static bool Contains(V1IPBlock block, IPAddress address) =>
        Contains(block.Cidr, address) == true && block.Except.All(hole => Contains(hole, address) == false);

    // The API accepts host bits in a block and ignores them, so they are masked here and not refused.
    private static bool? Contains(string cidr, IPAddress address)
    {
        var slash = cidr.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0
            || !IPAddress.TryParse(cidr.AsSpan(0, slash), out var network)
            || !int.TryParse(cidr.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length))
        {
            return null;
        }

        Span<byte> wanted = stackalloc byte[16];
        Span<byte> actual = stackalloc byte[16];
        _ = network.TryWriteBytes(wanted, out var size);
        _ = address.TryWriteBytes(actual, out var actualSize);
        if (length > size * 8)
        {
            return null;
        }

        if (actualSize != size)
        {
            return false;
        }

        var whole = length / 8;
        var rest = length % 8;
        return wanted[..whole].SequenceEqual(actual[..whole])
            && (rest == 0 || (wanted[whole] ^ actual[whole]) >> (8 - rest) == 0);
    }
}
