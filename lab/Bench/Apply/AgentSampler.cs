using OnCache.Kubernetes.Cli;
using OnCache.Lab.Demo.Cluster;

namespace OnCache.Lab.Bench.Apply;

/// <summary>Reads from an agent's socket, again and again and at little cost, how many packets of one pod took the fast path.</summary>
internal sealed class AgentSampler : IDisposable
{
    private readonly HttpClient client;
    private readonly string ns;
    private readonly string pod;

    /// <param name="socket">The agent's Unix socket, as this process reaches it.</param>
    /// <param name="ns">The pod's namespace.</param>
    /// <param name="pod">Its name.</param>
    public AgentSampler(string socket, string ns, string pod)
    {
        this.ns = ns;
        this.pod = pod;
        client = new HttpClient(UnixSocketHttp.Handler(socket)) { BaseAddress = new Uri("http://agent") };
    }

    /// <summary>Packets on the fast path since the agent knows the pod, both directions.</summary>
    /// <exception cref="LabException">The agent does not answer, or does not know the pod.</exception>
    public async Task<long> HitsAsync(CancellationToken cancellationToken)
    {
        try
        {
            var status = await client.GetStringAsync(new Uri("/status", UriKind.Relative), cancellationToken);
            return PodHits.Parse(status, ns, pod).Total;
        }
        catch (HttpRequestException exception)
        {
            throw new LabException($"agent: {exception.Message}", exception);
        }
    }

    public void Dispose() => client.Dispose();
}
