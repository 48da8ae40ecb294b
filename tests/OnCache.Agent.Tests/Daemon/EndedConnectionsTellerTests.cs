using OnCache.Agent.Bpf;
using OnCache.Agent.Daemon;
using OnCache.Agent.Telemetry;

namespace OnCache.Agent.Tests.Daemon;

public sealed class EndedConnectionsTellerTests
{
    [Fact]
    public async Task What_ends_its_thread_is_there_for_others_to_see()
    {
        using var metrics = new CoherenceMetrics();
        using var teller = new EndedConnectionsTeller(static _ => [default], static _ => 0, static () => throw new InvalidDataException("no timeout"), metrics);

        (await Should.ThrowAsync<InvalidDataException>(teller.Completion)).Message.ShouldBe("no timeout");
    }

    [Fact]
    public async Task Disposed_it_has_ended_well()
    {
        using var metrics = new CoherenceMetrics();
        var teller = new EndedConnectionsTeller(static _ => [], static _ => 0, static () => throw new InvalidDataException(), metrics);

        teller.Dispose();

        await teller.Completion;
    }

    /// <summary>As long as conntrack still holds it, and no longer: what it may hold then is another connection.</summary>
    [Theory]
    [InlineData("BothFin", 119, true)]
    [InlineData("BothFin", 121, false)]
    [InlineData("EgressReset", 9, true)]
    [InlineData("EgressReset", 11, false)]
    [InlineData("EgressReset, BothFin", 11, false)]
    [InlineData("EgressFin", 11, false)]
    public void What_ended_while_no_agent_ran_is_told_for_as_long_as_conntrack_holds_it(string closing, int secondsAgo, bool isHeld)
    {
        var timeouts = new ConntrackTimeouts(
            TimeSpan.FromDays(5), TimeSpan.FromSeconds(120), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(120), TimeSpan.FromSeconds(30));
        var now = MonotonicClock.Nanoseconds(TimeSpan.FromHours(1));
        var ended = new Ended { At = now - MonotonicClock.Nanoseconds(TimeSpan.FromSeconds(secondsAgo)), Closing = Enum.Parse<Closing>(closing) };

        EndedConnectionsTeller.IsHeld(ended, now, timeouts).ShouldBe(isHeld);
    }
}
