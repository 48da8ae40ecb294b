using OnCache.Agent.Daemon;

namespace OnCache.Agent.Tests.Daemon;

public sealed class RequestQueueTests
{
    private readonly RequestQueue _queue = new();

    [Fact]
    public void Requests_are_taken_in_the_order_in_which_they_came()
    {
        var done = new List<int>();
        for (var number = 0; number < 3; number++)
        {
            var mine = number;
            _queue.TryAdd(() =>
            {
                done.Add(mine);
                return true;
            }).ShouldBeTrue();
        }

        while (_queue.TryTake(out var request))
        {
            request().ShouldBeTrue();
        }

        done.ShouldBe([0, 1, 2]);
    }

    [Fact]
    public async Task A_request_and_a_wake_end_a_wait_that_has_begun_and_one_that_has_not()
    {
        foreach (var end in (Action[])[() => _queue.TryAdd(static () => false), _queue.Wake])
        {
            var waiting = Task.Run(() => _queue.Wait(Timeout.InfiniteTimeSpan), TestContext.Current.CancellationToken);
            end();
            await waiting.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            _ = _queue.TryTake(out _);
        }
    }

    [Fact]
    public void A_queue_that_is_complete_refuses_requests_and_gives_those_that_it_has()
    {
        _queue.TryAdd(static () => true).ShouldBeTrue();
        _queue.Complete();

        _queue.TryAdd(static () => true).ShouldBeFalse();
        _queue.TryTake(out _).ShouldBeTrue();
        _queue.TryTake(out _).ShouldBeFalse();
    }
}
