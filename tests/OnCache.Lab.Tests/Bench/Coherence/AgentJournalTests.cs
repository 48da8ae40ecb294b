using OnCache.Lab.Bench.Coherence;

namespace OnCache.Lab.Tests.Bench.Coherence;

/// <summary>What is read from an agent's log and metrics.</summary>
public sealed class AgentJournalTests
{
    [Fact]
    public void Flushes_of_the_causes_asked_for_are_told_in_order()
    {
        const string Log = """
            12:00:00 info  PodDeleted: default/a; 1 endpoints and 0 nodes flushed in 1500 us
            12:00:01 info  NodeRemoved: 192.0.2.1; 0 endpoints and 1 nodes flushed in 90 us
            12:00:02 info  PodDeleted: default/b; 1 endpoints and 0 nodes flushed in 250 us
            """;

        AgentJournal.Flushes(Log, "PodDeleted").ShouldBe([1.5, 0.25]);
        AgentJournal.Flushes(Log, "PodReplaced").ShouldBeEmpty();
        AgentJournal.LastFlush(Log).ShouldBe("PodDeleted: default/b; 1 endpoints and 0 nodes flushed in 250 us");
        AgentJournal.LastFlush("").ShouldBeNull();
    }

    [Fact]
    public void Sweeps_are_those_of_the_page_and_none_before_the_first() =>
        (AgentJournal.Sweeps("oncache_sweep_duration_seconds_sum 0.25\noncache_sweep_duration_seconds_count 2\noncache_swept_total 1000\n"), AgentJournal.Sweeps(""))
            .ShouldBe(((0.25, 1000), (0, 0)));

    [Fact]
    public void Flushes_are_counted_by_cause()
    {
        const string Page = """
            # TYPE oncache_flushes_total counter
            oncache_flushes_total{cause="AgentStart"} 1
            oncache_flushes_total{cause="HostRulesChanged"} 12
            oncache_flushed_endpoints_total{cause="HostRulesChanged"} 120
            """;

        AgentJournal.FlushCounts(Page).ShouldBe(new Dictionary<string, long> { ["AgentStart"] = 1, ["HostRulesChanged"] = 12 }, ignoreOrder: true);
    }
}
