namespace OnCache.EndToEnd.Fixture;

/// <summary>The hits of a flow at its two pods, each counted by its own node's agent.</summary>
internal readonly record struct FlowHits(Hits Client, Hits Server)
{
    public static FlowHits operator -(FlowHits left, FlowHits right) => new(left.Client - right.Client, left.Server - right.Server);

    /// <summary>Whether all packets of so many exchanges took the fast path, at both nodes.</summary>
    public bool AreAllOf(int exchanges) => AtClientAreAllOf(exchanges) && Covers(Server, exchanges);

    /// <summary>Whether all packets of so many exchanges took the fast path at the client's node.</summary>
    public bool AtClientAreAllOf(int exchanges) => Covers(Client, exchanges);

    private static bool Covers(Hits hits, int exchanges) => hits.Egress >= exchanges && hits.Ingress >= exchanges;
}
