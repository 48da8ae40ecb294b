using Microsoft.Extensions.Time.Testing;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Daemon;

public sealed class CacheSharesTests
{
    private static readonly Ipv4Address s_web = Ipv4Address.Parse("10.244.1.2");
    private static readonly Ipv4Address s_db = Ipv4Address.Parse("10.244.1.3");
    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public void A_pod_that_was_refused_entries_wants_more_than_its_share_for_a_minute()
    {
        var shares = new CacheShares(_clock);
        Observe(shares, (s_web, 0), (s_db, 0)).ShouldBeFalse();

        Observe(shares, (s_web, 3), (s_db, 0)).ShouldBeTrue();
        shares.Beyond.ShouldBe([s_web]);

        _clock.Advance(TimeSpan.FromSeconds(59));
        Observe(shares, (s_web, 3), (s_db, 0)).ShouldBeFalse("it has been told");
        shares.Beyond.ShouldBe([s_web]);

        _clock.Advance(TimeSpan.FromSeconds(1));
        Observe(shares, (s_web, 3), (s_db, 0)).ShouldBeTrue();
        shares.Beyond.ShouldBeEmpty();
    }

    [Fact]
    public void What_was_refused_in_the_time_of_an_earlier_agent_is_no_news()
    {
        var shares = new CacheShares(_clock);

        Observe(shares, (s_web, 1000)).ShouldBeFalse();

        shares.Beyond.ShouldBeEmpty();
    }

    [Fact]
    public void A_pod_that_goes_takes_along_what_it_wanted()
    {
        var shares = new CacheShares(_clock);
        Observe(shares, (s_web, 0));
        Observe(shares, (s_web, 5));

        Observe(shares).ShouldBeTrue();
        shares.Beyond.ShouldBeEmpty();

        Observe(shares, (s_web, 0)).ShouldBeFalse("another pod of its address");
        Observe(shares, (s_web, 1)).ShouldBeTrue();
    }

    private static bool Observe(CacheShares shares, params (Ipv4Address Pod, long Refused)[] pods) =>
        shares.Observe(pods.ToDictionary(static pod => pod.Pod, static pod => new CacheShare(10, pod.Refused)));
}
