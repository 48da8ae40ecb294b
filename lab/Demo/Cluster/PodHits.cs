using System.Text.Json;

namespace OnCache.Lab.Demo.Cluster;

/// <summary>Packets of one pod on the fast path, by its node's agent.</summary>
/// <param name="Egress">From the pod.</param>
/// <param name="Ingress">To the pod.</param>
internal sealed record PodHits(long Egress, long Ingress)
{
    public long Total => Egress + Ingress;

    /// <summary>Read from an agent's status.</summary>
    /// <exception cref="LabException">The agent does not know the pod, or it is no agent's status.</exception>
    public static PodHits Parse(string status, string ns, string pod)
    {
        try
        {
            using var document = JsonDocument.Parse(status);
            foreach (var endpoint in document.RootElement.GetProperty("endpoints").EnumerateArray())
            {
                if (endpoint.GetProperty("namespace").GetString() == ns && endpoint.GetProperty("name").GetString() == pod)
                {
                    var hits = endpoint.GetProperty("hits");
                    return new PodHits(Packets(hits, "egress"), Packets(hits, "ingress"));
                }
            }
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new LabException($"agent status: not the expected JSON: {exception.Message}", exception);
        }

        throw new LabException($"agent status: the agent does not know the pod {ns}/{pod}");
    }

    private static long Packets(JsonElement hits, string direction) => hits.GetProperty(direction).GetProperty("packets").GetInt64();
}
