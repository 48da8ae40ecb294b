using Microsoft.Extensions.Time.Testing;
using OnCache.Agent.Kubernetes;
using OnCache.Kubernetes.Models;

namespace OnCache.Agent.Tests.Kubernetes;

public sealed class RemovalInquiryTests
{
    private static readonly OwnerAnswer s_refused = new(IsKnown: false, DaemonSet: null, IsRefused: true);
    private static readonly OwnerAnswer s_gone = new(IsKnown: true, DaemonSet: null);

    private static readonly AgentFooting s_footing = new(
        new V1Pod
        {
            Metadata = new V1ObjectMeta
            {
                Name = "agent-x",
                NamespaceProperty = "home",
                OwnerReferences = [new V1OwnerReference { ApiVersion = "apps/v1", Kind = "DaemonSet", Name = "agent", Uid = "first", Controller = true }],
            },
            Spec = new V1PodSpec { ServiceAccountName = "account", TerminationGracePeriodSeconds = 30 },
        },
        new V1Namespace { Metadata = new V1ObjectMeta { Name = "home" } },
        HasAccount: true,
        Owner: default);

    private readonly FakeTimeProvider _time = new();
    private AgentFooting _present = s_footing;
    private int _tries;

    [Fact]
    public async Task An_API_server_that_is_away_is_asked_until_it_is_back()
    {
        var (reason, elapsed) = await AskAsync(elapsed => elapsed < TimeSpan.FromSeconds(15) ? default : s_gone);

        reason.ShouldBe("DaemonSet home/agent was deleted");
        elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(18));
    }

    [Fact]
    public async Task When_the_rest_of_the_grace_period_is_for_the_cleaning_nothing_is_known()
    {
        var (reason, elapsed) = await AskAsync(static _ => default);

        reason.ShouldBeNull();
        elapsed.ShouldBeInRange(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(21));
        _tries.ShouldBeLessThan(25, "and not in haste");
    }

    [Fact]
    public async Task A_connection_that_is_dead_takes_no_more_than_one_try()
    {
        var (reason, _) = await AskAsync(async (elapsed, end) =>
        {
            if (elapsed < TimeSpan.FromSeconds(10))
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, end).ContinueWith(static _ => { }, TaskScheduler.Default);
                return default;
            }

            return s_gone;
        });

        reason.ShouldNotBeNull();
        _tries.ShouldBeGreaterThan(2);
    }

    [Fact]
    public async Task Who_is_refused_asks_again_for_a_moment_only()
    {
        var (reason, elapsed) = await AskAsync(static _ => s_refused);

        reason.ShouldBeNull();
        elapsed.ShouldBeInRange(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(6));
    }

    [Fact]
    public async Task Who_is_refused_by_a_server_that_starts_is_answered_in_a_moment() =>
        (await AskAsync(static elapsed => elapsed < TimeSpan.FromSeconds(2) ? s_refused : s_gone)).Reason.ShouldNotBeNull();

    [Fact]
    public async Task Who_is_refused_and_has_no_account_any_more_is_removed_at_once()
    {
        _present = s_footing with { HasAccount = false };

        var (reason, elapsed) = await AskAsync(static _ => s_refused);

        reason.ShouldBe("service account home/account was deleted");
        elapsed.ShouldBe(TimeSpan.Zero);
    }

    /// <summary>It may have been made anew since, and the DaemonSet stay.</summary>
    [Fact]
    public async Task An_account_that_is_gone_decides_only_when_nobody_answers()
    {
        _present = s_footing with { HasAccount = false };

        (await AskAsync(static elapsed => elapsed < TimeSpan.FromSeconds(10) ? default : new OwnerAnswer(IsKnown: true, Stays()))).Reason.ShouldBeNull();
        (await AskAsync(static _ => default)).Reason.ShouldBe("service account home/account was deleted");
    }

    [Fact]
    public async Task What_goes_with_its_namespace_asks_nobody()
    {
        _present = s_footing with { Namespace = null };

        var (reason, _) = await AskAsync(static _ => throw new InvalidOperationException("asked"));

        reason.ShouldBe("namespace home is being deleted");
    }

    [Fact]
    public async Task What_is_learned_meanwhile_counts()
    {
        var (reason, _) = await AskAsync(elapsed =>
        {
            _present = elapsed > TimeSpan.FromSeconds(8) ? s_footing with { Namespace = null } : s_footing;
            return default;
        });

        reason.ShouldBe("namespace home is being deleted");
    }

    private static V1DaemonSet Stays() => new() { Metadata = new V1ObjectMeta { Name = "agent", Uid = "first" } };

    private Task<(string? Reason, TimeSpan Elapsed)> AskAsync(Func<TimeSpan, OwnerAnswer> answer) =>
        AskAsync((elapsed, _) => Task.FromResult(answer(elapsed)));

    private async Task<(string? Reason, TimeSpan Elapsed)> AskAsync(Func<TimeSpan, CancellationToken, Task<OwnerAnswer>> answer)
    {
        var started = _time.GetTimestamp();
        // What waits for the clock goes on where the clock is moved.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        var asking = new RemovalInquiry(
            () => _present,
            (_, end) =>
            {
                _tries++;
                return answer(_time.GetElapsedTime(started), end);
            },
            _time).ReasonAsync();
        SynchronizationContext.SetSynchronizationContext(context);
        while (!asking.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }

        return (await asking, _time.GetElapsedTime(started));
    }
}
