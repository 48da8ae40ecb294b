using OnCache.Lab.Topology;

namespace OnCache.EndToEnd.Fixture;

/// <summary>Two nodes with two pods each whose agents nobody starts, for the tests of one class.</summary>
public sealed class PlainLab : IAsyncLifetime
{
    private AcceleratedLab? lab;

    public async ValueTask InitializeAsync() => lab = LiveLab.IsRoot ? await AcceleratedLab.PlainAsync(new LabOptions { Pods = 2 }) : null;

    public async ValueTask DisposeAsync()
    {
        if (lab is not null)
        {
            await lab.DisposeAsync();
        }
    }

    internal AcceleratedLab Ready()
    {
        LiveLab.Require();
        return lab!;
    }
}
