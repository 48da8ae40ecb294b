using OnCache.Lab.Topology;

namespace OnCache.EndToEnd.Fixture;

/// <summary>Two nodes with two pods each and running agents, for one class. Each test begins with the default configuration.</summary>
public sealed class SharedLab : IAsyncLifetime
{
    private AcceleratedLab? lab;

    public async ValueTask InitializeAsync()
    {
        if (LiveLab.IsRoot)
        {
            lab = await AcceleratedLab.UpAsync(new LabOptions { Pods = 2 });
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (lab is not null)
        {
            await lab.DisposeAsync();
        }
    }

    internal async Task<AcceleratedLab> ReadyAsync()
    {
        LiveLab.Require();
        foreach (var agent in lab!.Agents)
        {
            if (!agent.IsRunning)
            {
                await agent.StartAsync(new AgentConfig());
            }

            await agent.ConfigureAsync(new AgentConfig());
        }

        await lab.AcceleratedAsync();
        return lab;
    }
}
