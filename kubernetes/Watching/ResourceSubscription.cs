using System.Threading.Channels;

namespace OnCache.Kubernetes.Watching;

/// <summary>
/// The changes of a cache in order, beginning with an addition for each object it held. Nothing is dropped or merged, so a subscriber must
/// keep reading; dispose to stop.
/// </summary>
public sealed class ResourceSubscription<T> : IDisposable
    where T : class
{
    private readonly Channel<ResourceChange<T>> _changes =
        Channel.CreateUnbounded<ResourceChange<T>>(new UnboundedChannelOptions { SingleReader = true });

    private readonly Action<ResourceSubscription<T>> _end;

    internal ResourceSubscription(Action<ResourceSubscription<T>> end) => _end = end;

    /// <summary>The changes.</summary>
    public ChannelReader<ResourceChange<T>> Changes => _changes.Reader;

    /// <inheritdoc/>
    public void Dispose()
    {
        _end(this);
        _ = _changes.Writer.TryComplete();
    }

    internal void Publish(IReadOnlyList<ResourceChange<T>> changes)
    {
        foreach (var change in changes)
        {
            _ = _changes.Writer.TryWrite(change);
        }
    }
}
