using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Leases;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Tests.Fakes;

namespace OnCache.Kubernetes.Tests.RealServer;

[Collection(RealServerTests.Name)]
public sealed class LeaseLiveTests(RealApiServer server)
{
    private readonly string _name = $"t{Guid.NewGuid():N}";

    [Fact]
    public async Task Cut_off_leader_stops_and_the_other_takes_over()
    {
        await using var wire = server.Proxy();
        using var cutOff = server.Client(wire);
        using var direct = server.Client();
        await using var one = new Candidate(cutOff, Settings("one"));
        await Eventually.TrueAsync(() => one.Elector.IsLeader, "the first leader");
        await using var two = new Candidate(direct, Settings("two"));
        await Eventually.TrueAsync(() => two.Elector.Leader == "one", "the other's look");

        wire.Cut();
        await Eventually.TrueAsync(() => two.Elector.IsLeader, "the other's turn");

        one.Elector.IsLeader.ShouldBeFalse();
        (one.StoppedAt!.Value < two.StartedAt!.Value).ShouldBeTrue();
        var lease = await direct.GetAsync<V1Lease>(new NamespacedName("default", _name), TestContext.Current.CancellationToken);
        lease!.Spec.HolderIdentity.ShouldBe("two");
        lease.Spec.LeaseTransitions.ShouldBe(2);
    }

    [Fact]
    public async Task Handing_over_takes_no_lease_duration()
    {
        using var client = server.Client();
        var one = new Candidate(client, Patient("one"));
        await Eventually.TrueAsync(() => one.Elector.IsLeader, "the first leader");
        await using var two = new Candidate(client, Patient("two"));
        await Eventually.TrueAsync(() => two.Elector.Leader == "one", "the other's look");

        await one.DisposeAsync();

        await Eventually.TrueAsync(() => two.Elector.IsLeader, "the other's turn");
    }

    private LeaderElectionSettings Patient(string identity) =>
        Settings(identity) with { LeaseDuration = TimeSpan.FromHours(1), RenewDeadline = TimeSpan.FromMinutes(30) };

    private LeaderElectionSettings Settings(string identity) => new("default", _name, identity)
    {
        LeaseDuration = TimeSpan.FromSeconds(4),
        RenewDeadline = TimeSpan.FromSeconds(2),
        RetryPeriod = TimeSpan.FromMilliseconds(250),
    };

    private sealed class Candidate : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end =
            CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        private readonly Task _run;

        public Candidate(IKubernetesClient client, LeaderElectionSettings settings)
        {
            Elector = new LeaderElector(client, settings, NullLogger.Instance);
            _run = Elector.RunAsync(LeadAsync, _end.Token);
        }

        public LeaderElector Elector { get; }

        public long? StartedAt { get; private set; }

        public long? StoppedAt { get; private set; }

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _run;
            _end.Dispose();
        }

        private async Task LeadAsync(CancellationToken cancellationToken)
        {
            StartedAt = Stopwatch.GetTimestamp();
            await using var registration = cancellationToken.Register(() => StoppedAt = Stopwatch.GetTimestamp());
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
    }
}
