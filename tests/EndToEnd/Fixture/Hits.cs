using OnCache.Agent.Telemetry;

namespace OnCache.EndToEnd.Fixture;

/// <summary>Packets of one pod that took the fast path.</summary>
internal readonly record struct Hits(long Egress, long Ingress)
{
    public long Both => Egress + Ingress;

    public static Hits operator -(Hits left, Hits right) => new(left.Egress - right.Egress, left.Ingress - right.Ingress);

    public static Hits Of(EndpointStatus endpoint) => new(endpoint.Hits.Egress.Packets, endpoint.Hits.Ingress.Packets);
}
