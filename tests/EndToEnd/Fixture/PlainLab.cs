namespace OnCache.EndToEnd.Fixture;

/// <summary>Two nodes whose agents nobody starts, for the tests of one class.</summary>
public sealed class PlainLab : IAsyncLifetime
{
    private AcceleratedLab? lab;

    public async ValueTask InitializeAsync() => lab = LiveLab.IsRoot ? await AcceleratedLab.PlainAsync() : null;

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
