using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Agent.Daemon;
using OnCache.Agent.Net;
using OnCache.Agent.Topology;

namespace OnCache.Agent.Tests.Daemon;

/// <summary>Who asks does not wait, whatever the kernel is busy with.</summary>
public sealed class NeighbourAskerTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Questions_wait_for_the_kernel_and_nobody_waits_for_them()
    {
        using var kernel = new SemaphoreSlim(0);
        var asked = new ConcurrentQueue<NeighbourProbe>();
        var (entered, done) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        using var asker = new NeighbourAsker(
            (probe, _) =>
            {
                entered.TrySetResult();
                kernel.Wait();
                asked.Enqueue(probe);
                if (asked.Count == 3)
                {
                    done.SetResult();
                }
            },
            static () => { },
            NullLogger.Instance);

        asker.Ask(Probe(1));
        await entered.Task.WaitAsync(s_limit, TestContext.Current.CancellationToken);
        asker.Ask(Probe(2));
        // This one waits already.
        asker.Ask(Probe(2));
        asker.Ask(Probe(3));
        asked.ShouldBeEmpty();
        _ = kernel.Release(4);
        await done.Task.WaitAsync(s_limit, TestContext.Current.CancellationToken);

        asked.ShouldBe([Probe(1), Probe(2), Probe(3)]);
    }

    [Fact]
    public async Task A_refusal_concerns_one_question_and_a_fault_is_told()
    {
        var second = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var asker = new NeighbourAsker(
            (probe, _) =>
            {
                if (probe == Probe(1))
                {
                    throw new NetlinkException("use", 19);
                }

                second.TrySetResult();
                throw new InvalidDataException("fault");
            },
            static () => { },
            NullLogger.Instance);

        asker.Ask(Probe(1));
        asker.Ask(Probe(2));

        await second.Task.WaitAsync(s_limit, TestContext.Current.CancellationToken);
        (await Should.ThrowAsync<InvalidDataException>(asker.Completion.WaitAsync(s_limit, TestContext.Current.CancellationToken))).Message.ShouldBe("fault");
    }

    private static NeighbourProbe Probe(int device) => new(device, Ipv4Address.Parse("10.244.1.2"));
}
