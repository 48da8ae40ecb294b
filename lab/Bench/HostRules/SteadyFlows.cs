using OnCache.Lab.Bench.Coherence;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Bench.HostRules;

/// <summary>A flow between each pod of one node and one of another, with so many exchanges a second that its verdicts stay in use.</summary>
internal sealed class SteadyFlows : IDisposable
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);
    private readonly List<PodExchange> flows = [];
    private readonly Thread thread;
    private volatile bool stopping;

    public SteadyFlows(LabNode near, LabNode far)
    {
        flows.AddRange(near.Pods.Zip(far.Pods, static (client, server) => new PodExchange(client, server)));
        thread = new Thread(Run) { IsBackground = true, Name = "steady flows" };
        thread.Start();
    }

    public void Dispose()
    {
        stopping = true;
        thread.Join();
        flows.ForEach(static flow => flow.Dispose());
    }

    private void Run()
    {
        while (!stopping)
        {
            flows.ForEach(static flow => flow.Once());
            Thread.Sleep(s_pause);
        }
    }
}
