using System.Diagnostics;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Bench.HostRules;

/// <summary>Replays writes of rules on a node, until it is stopped.</summary>
internal sealed class RuleWriter : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly LabNode node;
    private readonly Replay replay;
    private readonly Task writing;
    private long written;

    private RuleWriter(LabNode node, Replay replay)
    {
        this.node = node;
        this.replay = replay;
        writing = replay.Next is { } next ? Task.Run(() => ReplayAsync(next)) : Task.CompletedTask;
    }

    /// <summary>What has been changed up to now.</summary>
    public long Changes => Interlocked.Read(ref written) * replay.Changes;

    /// <summary>Does the first writes of a replay and begins with the others.</summary>
    /// <exception cref="LabException">The node cannot take them; says why.</exception>
    public static async Task<RuleWriter> StartAsync(LabNode node, Replay replay, CancellationToken cancellationToken)
    {
        foreach (var write in replay.Setup)
        {
            await WriteAsync(node, write, cancellationToken);
        }

        return new RuleWriter(node, replay);
    }

    /// <summary>Ends it.</summary>
    /// <exception cref="LabException">A write failed.</exception>
    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await writing;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private static async Task WriteAsync(LabNode node, RuleWrite write, CancellationToken cancellationToken) =>
        (await NetworkNamespace.RunCommandAsync(node.Namespace, write.Program, write.Arguments, write.Input, cancellationToken)).EnsureSuccess();

    private async Task ReplayAsync(Func<int, RuleWrite> next)
    {
        var started = Stopwatch.GetTimestamp();
        for (var turn = 0; !stop.IsCancellationRequested; turn++)
        {
            // A write in hand is finished: half of one tells nothing.
            await WriteAsync(node, next(turn), CancellationToken.None);
            Interlocked.Increment(ref written);
            var wait = ((turn + 1) * replay.Period) - Stopwatch.GetElapsedTime(started);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
