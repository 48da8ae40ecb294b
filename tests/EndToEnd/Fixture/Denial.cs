using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd.Fixture;

/// <summary>A policy of the CNI's against one pair of pods, taken back when disposed.</summary>
internal sealed class Denial : IAsyncDisposable
{
    private readonly LabNode node;
    private readonly LabPod source;
    private readonly LabPod destination;

    private Denial(LabNode node, LabPod source, LabPod destination)
    {
        this.node = node;
        this.source = source;
        this.destination = destination;
    }

    /// <inheritdoc cref="LabNode.DenyAsync"/>
    public static async Task<Denial> OfAsync(LabNode node, LabPod source, LabPod destination, bool cutEstablished)
    {
        await node.DenyAsync(source, destination, cutEstablished, TestContext.Current.CancellationToken);
        return new Denial(node, source, destination);
    }

    public async ValueTask DisposeAsync() => await node.AllowAsync(source, destination, CancellationToken.None);
}
