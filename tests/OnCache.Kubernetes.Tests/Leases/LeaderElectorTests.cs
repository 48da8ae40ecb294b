using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Kubernetes.Leases;
using OnCache.Kubernetes.Tests.Fakes;

namespace OnCache.Kubernetes.Tests.Leases;

public sealed class LeaderElectorTests
{
    [Fact]
    public async Task Only_one_of_two_candidates_leads()
    {
        await using var trial = new Trial();
        var one = trial.Add("one");
        await one.BecomesLeaderAsync();
        var two = trial.Add("two");

        await trial.PassAsync(TimeSpan.FromMinutes(1));

        one.Elector.IsLeader.ShouldBeTrue();
        two.Elector.IsLeader.ShouldBeFalse();
        two.Elector.Leader.ShouldBe("one");
        two.Link.Writes.ShouldBe(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_leader_that_cannot_renew_stops_before_another_begins(bool hangs)
    {
        await using var trial = new Trial();
        var one = trial.Add("one");
        await one.BecomesLeaderAsync();
        var two = trial.Add("two");
        await Eventually.TrueAsync(() => two.Elector.Leader == "one", "two looked");
        if (hangs)
        {
            one.Link.Hang();
        }
        else
        {
            one.Link.Cut();
        }

        var cut = trial.Time.GetTimestamp();
        while (!two.Elector.IsLeader)
        {
            await trial.PassAsync(TimeSpan.FromSeconds(0.5));
            trial.Time.GetElapsedTime(cut).ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(60));
        }

        one.Elector.IsLeader.ShouldBeFalse();
        one.StoppedAt.ShouldNotBeNull();
        (two.StartedAt - one.StoppedAt).ShouldNotBeNull().ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(4));
        (one.StoppedAt - ManualTime.At(cut)).ShouldNotBeNull().ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_leader_that_ends_hands_over_at_once()
    {
        await using var trial = new Trial();
        var one = trial.Add("one");
        await one.BecomesLeaderAsync();
        var two = trial.Add("two");
        await Eventually.TrueAsync(() => two.Elector.Leader == "one", "two looked");

        await one.EndAsync();
        trial.Store.Holder.ShouldBe(string.Empty);
        await trial.PassAsync(TimeSpan.FromSeconds(2));

        await two.BecomesLeaderAsync();
    }

    [Fact]
    public async Task A_leader_hands_over_also_after_a_renewal_whose_answer_it_never_saw()
    {
        await using var trial = new Trial();
        var one = trial.Add("one");
        await one.BecomesLeaderAsync();
        one.Link.Mute();
        while (one.Link.Writes == 1)
        {
            await trial.PassAsync(TimeSpan.FromSeconds(0.5));
        }

        await one.EndAsync();

        trial.Store.Holder.ShouldBe(string.Empty);
    }

    [Fact]
    public async Task A_leader_that_lost_the_lease_competes_again()
    {
        await using var trial = new Trial();
        var one = trial.Add("one");
        await one.BecomesLeaderAsync();

        one.Link.Cut();
        while (one.Elector.IsLeader)
        {
            await trial.PassAsync(TimeSpan.FromSeconds(1));
        }

        one.Link.Restore();
        while (!one.Elector.IsLeader)
        {
            await trial.PassAsync(TimeSpan.FromSeconds(1));
        }

        one.Terms.ShouldBe(2);
    }

    [Fact]
    public async Task A_leader_that_finds_another_in_its_lease_stops_at_its_next_renewal()
    {
        await using var trial = new Trial();
        var one = trial.Add("one");
        await one.BecomesLeaderAsync();

        trial.Store.Seize("two");
        var seized = trial.Time.GetUtcNow();
        await one.PausesAsync();
        trial.Time.Advance(TimeSpan.FromSeconds(2));

        await Eventually.TrueAsync(() => !one.Elector.IsLeader, "the end of its leadership");
        (one.StoppedAt - seized).ShouldBe(TimeSpan.FromSeconds(2));
        trial.Store.Holder.ShouldBe("two");
    }

    [Fact]
    public async Task A_leader_counts_from_when_it_sent_a_renewal_and_not_from_its_answer()
    {
        await using var trial = new Trial();
        var one = trial.Add("one");
        await one.BecomesLeaderAsync();
        await one.PausesAsync();
        one.Link.Delay();
        trial.Time.Advance(TimeSpan.FromSeconds(2));
        await Eventually.TrueAsync(() => one.Link.Writes == 2, "a renewal");
        var sent = trial.Time.GetUtcNow();
        trial.Time.Advance(TimeSpan.FromSeconds(5));

        one.Link.Restore();
        await one.PausesAsync();
        one.Link.Cut();
        trial.Time.Advance(TimeSpan.FromSeconds(20));

        (one.StoppedAt - sent).ShouldBe(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_failure_of_the_work_ends_the_run_and_frees_the_lease()
    {
        var store = new LeaseStore();
        var settings = new LeaderElectionSettings("ns", "l", "me");
        var elector = new LeaderElector(store.Connect(), settings, NullLogger.Instance, new ManualTime());

        _ = await Should.ThrowAsync<InvalidOperationException>(
            () => elector.RunAsync(_ => throw new InvalidOperationException("work"), TestContext.Current.CancellationToken));

        store.Holder.ShouldBe(string.Empty);
        elector.IsLeader.ShouldBeFalse();
    }

    [Theory]
    [InlineData(0.5, 0.3, 0.1, "LeaseDuration")]
    [InlineData(15, 15, 2, "RenewDeadline")]
    [InlineData(15, 10, 10, "RetryPeriod")]
    [InlineData(15, 10, 0, "RetryPeriod")]
    public void Times_that_do_not_fit_are_refused(double lease, double renew, double retry, string named)
    {
        var settings = new LeaderElectionSettings("ns", "l", "me")
        {
            LeaseDuration = TimeSpan.FromSeconds(lease),
            RenewDeadline = TimeSpan.FromSeconds(renew),
            RetryPeriod = TimeSpan.FromSeconds(retry),
        };

        Should.Throw<ArgumentException>(() => new LeaderElector(new LeaseStore().Connect(), settings, NullLogger.Instance))
            .Message.ShouldStartWith(named);
    }

    /// <summary>Candidates of one lease in a time that the test moves.</summary>
    private sealed class Trial : IAsyncDisposable
    {
        private readonly List<Candidate> _candidates = [];

        public ManualTime Time { get; } = new();

        public LeaseStore Store { get; } = new();

        public Candidate Add(string identity)
        {
            var candidate = new Candidate(this, identity);
            _candidates.Add(candidate);
            return candidate;
        }

        /// <summary>Moves time in small steps, letting the candidates act at each.</summary>
        public async Task PassAsync(TimeSpan span)
        {
            var step = TimeSpan.FromMilliseconds(250);
            for (var passed = TimeSpan.Zero; passed < span; passed += step)
            {
                Time.Advance(step);
                await Task.Delay(2, TestContext.Current.CancellationToken);
            }
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var candidate in _candidates)
            {
                await candidate.DisposeAsync();
            }
        }
    }

    private sealed class Candidate : IAsyncDisposable
    {
        private readonly Trial _trial;
        private readonly CancellationTokenSource _end = new();
        private readonly Task _run;

        public Candidate(Trial trial, string identity)
        {
            _trial = trial;
            Link = trial.Store.Connect();
            Elector = new LeaderElector(Link, new LeaderElectionSettings("ns", "l", identity), NullLogger.Instance, trial.Time);
            _run = Elector.RunAsync(LeadAsync, _end.Token);
        }

        public LeaseStore.Link Link { get; }

        public LeaderElector Elector { get; }

        public DateTimeOffset? StartedAt { get; private set; }

        public DateTimeOffset? StoppedAt { get; private set; }

        public int Terms { get; private set; }

        public Task BecomesLeaderAsync() => Eventually.TrueAsync(() => Elector.IsLeader, "leadership");

        /// <summary>Until it has done what it does at this moment, and waits for its retry period.</summary>
        public Task PausesAsync() => Eventually.TrueAsync(() => _trial.Time.IsWaitingFor(TimeSpan.FromSeconds(2)), "a pause");

        public async Task EndAsync()
        {
            Link.Restore();
            await _end.CancelAsync();
            await _run;
        }

        public async ValueTask DisposeAsync()
        {
            await EndAsync();
            _end.Dispose();
        }

        private async Task LeadAsync(CancellationToken cancellationToken)
        {
            Terms++;
            StartedAt = _trial.Time.GetUtcNow();
            // At the very moment of the cancellation, not when a thread is free to go on.
            await using var registration = cancellationToken.Register(() => StoppedAt = _trial.Time.GetUtcNow());
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
    }
}
