using OnCache.Kubernetes.Leases;
using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Tests.Leases;

public sealed class LeaseDecisionTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(null, 0, true)]
    [InlineData("", 0, true)]
    [InlineData("me", 0, true)]
    [InlineData("other", 0, false)]
    [InlineData("other", 14.999, false)]
    [InlineData("other", 15, true)]
    public void A_lease_may_be_taken_when_it_is_free_or_stood_still_for_its_duration(string? holder, double seconds, bool expected)
    {
        var lease = new V1LeaseSpec
        {
            HolderIdentity = holder,
            LeaseDurationSeconds = 15,
            // Another machine's clock, far off: it must not matter.
            RenewTime = Now.AddYears(10),
        };

        LeaseDecision.MayTake(lease, "me", TimeSpan.FromSeconds(seconds)).ShouldBe(expected);
    }

    [Fact]
    public void Taking_counts_a_transition_and_renewing_does_not()
    {
        var taken = LeaseDecision.Taken(
            new V1LeaseSpec { HolderIdentity = "other", LeaseTransitions = 3 }, "me", TimeSpan.FromSeconds(15), Now);
        var renewed = LeaseDecision.Taken(taken, "me", TimeSpan.FromSeconds(15), Now.AddSeconds(2));

        taken.ShouldBe(new V1LeaseSpec
        {
            HolderIdentity = "me",
            LeaseDurationSeconds = 15,
            AcquireTime = Now,
            RenewTime = Now,
            LeaseTransitions = 4,
        });
        renewed.ShouldBe(taken with { RenewTime = Now.AddSeconds(2) });
    }
}
