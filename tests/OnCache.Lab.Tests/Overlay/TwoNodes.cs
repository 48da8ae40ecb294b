using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Tests.Overlay;

/// <summary>One lab of two nodes with two pods each, for the tests that leave it as they found it.</summary>
public sealed class TwoNodes : IAsyncLifetime
{
    private OverlayLab? lab;

    public OverlayLab Lab
    {
        get
        {
            LiveLab.Require();
            return lab!;
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (string.Equals(Environment.UserName, "root", StringComparison.Ordinal))
        {
            lab = await OverlayLab.UpAsync(new LabOptions { Pods = 2 }, cancellationToken: TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (lab is not null)
        {
            await lab.DisposeAsync();
        }
    }
}
