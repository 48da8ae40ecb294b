using OnCache.Agent.Coherence;

namespace OnCache.Agent.Tests.Coherence;

/// <summary>Events reach whoever serves, in order, before the call returns.</summary>
public sealed class CoherenceLaneTests
{
    private static readonly DateTimeOffset s_changed = new(2026, 11, 20, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void What_follows_is_carried_out_before_the_call_returns()
    {
        var lane = new CoherenceLane();
        var executor = new Executor();
        using var serving = lane.Serve(executor);

        Observe(lane, Observed.Pod("web", "10.244.1.2").Event(), Observed.Policy("deny", "web").Event());

        executor.Carried.Select(static item => (item.Plan.Cause, item.Timing.ChangedAt)).ShouldBe(
            [(FlushCause.PodAdded, s_changed), (FlushCause.NetworkPolicyAdded, s_changed)]);
    }

    [Fact]
    public void What_nobody_serves_is_known_all_the_same()
    {
        var lane = new CoherenceLane();
        var executor = new Executor();
        Observe(lane, Observed.Pod("web", "10.244.1.2").Event());
        var ended = lane.Serve(new Executor());
        using var serving = lane.Serve(executor);
        ended.Dispose();

        Observe(lane, Observed.Policy("deny", "web").Event());

        executor.Carried.ShouldHaveSingleItem().Plan.Names().ShouldBe(["web"]);
    }

    private static void Observe(CoherenceLane lane, params CoherenceEvent[] events) =>
        lane.Observe(events.Select(static item => (item, (DateTimeOffset?)s_changed)));

    private sealed class Executor : IFlushExecutor
    {
        public List<(FlushPlan Plan, FlushTiming Timing)> Carried { get; } = [];

        public void Carry(FlushPlan plan, FlushTiming timing) => Carried.Add((plan, timing));
    }
}
