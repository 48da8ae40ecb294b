using OnCache.Agent.Daemon;

namespace OnCache.Agent.Tests.Daemon;

public sealed class RequestQueueTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_forEver = TimeSpan.FromHours(1);

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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_request_and_a_wake_end_a_wait(bool isRequest)
    {
        var waiting = new Thread(() => _queue.Wait(s_forEver)) { IsBackground = true };
        waiting.Start();
        SpinWait.SpinUntil(() => waiting.ThreadState.HasFlag(ThreadState.WaitSleepJoin), s_patience).ShouldBeTrue();

        End(isRequest);

        waiting.Join(s_patience).ShouldBeTrue();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_request_and_a_wake_before_a_wait_end_it_at_once(bool isRequest)
    {
        End(isRequest);

        var waiting = new Thread(() => _queue.Wait(s_forEver)) { IsBackground = true };
        waiting.Start();

        waiting.Join(s_patience).ShouldBeTrue();
    }

    [Fact]
    public void A_wake_ends_one_wait()
    {
        _queue.Wake();
        _queue.Wait(s_forEver);

        var waiting = new Thread(() => _queue.Wait(s_forEver)) { IsBackground = true };
        waiting.Start();
        SpinWait.SpinUntil(() => waiting.ThreadState.HasFlag(ThreadState.WaitSleepJoin), s_patience).ShouldBeTrue();
        End(isRequest: false);
        waiting.Join(s_patience).ShouldBeTrue();
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

    private void End(bool isRequest)
    {
        if (isRequest)
        {
            _queue.TryAdd(static () => false).ShouldBeTrue();
        }
        else
        {
            _queue.Wake();
        }
    }
}
