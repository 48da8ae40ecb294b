using OnCache.Agent.Daemon;
using OnCache.Agent.Tests.Bpf;

namespace OnCache.Agent.Tests.Datapath.Interleavings;

/// <summary>
/// The invariants of model/coherence.pml on the real maps: the agent stores one thing at a time, and the real programs learn and want the fast
/// path in all places between. What the CNI let pass before a change is of no use after it.
/// </summary>
public sealed class InterleavingTests(InterleavingStage stage) : IClassFixture<InterleavingStage>
{
    // With more places than these, only every one and every two of them.
    private const int MostSubsets = 5;

    public static TheoryData<string> Flushes => [.. AgentChange.All.Select(static change => change.Name)];

    [Theory]
    [MemberData(nameof(Flushes))]
    public void A_flow_that_the_cni_accepted_before_a_change_is_not_on_the_fast_path_after_it(string change) => TryAll(AgentChange.Named(change), Traffic.Flow, Schedules);

    [Theory]
    [MemberData(nameof(Flushes))]
    public void A_connection_that_the_cni_accepted_before_a_change_vouches_for_none_after_it(string change) =>
        TryAll(AgentChange.Named(change), Traffic.ShortConnections, static places => Enumerable.Range(0, places).Select(static place => new[] { place }).Append([.. Enumerable.Range(0, places)]));

    private void TryAll(AgentChange change, Traffic traffic, Func<int, IEnumerable<int[]>> schedules)
    {
        foreach (var learning in schedules(CountPlaces(change, traffic)))
        {
            Play(change, traffic, learning);
        }
    }

    private int CountPlaces(AgentChange change, Traffic traffic)
    {
        var places = Play(change, traffic, [0]);
        places.ShouldBeGreaterThanOrEqualTo(change.MinimumPlaces, "stores go past the seam");
        return places;
    }

    /// <param name="learning">In which places all packets that teach come; 0 is before the change.</param>
    /// <returns>How many places there are before the change is done.</returns>
    private int Play(AgentChange change, Traffic traffic, int[] learning)
    {
        var agent = stage.Begin(change.Given);
        stage.Kernel.Conntrack.Clear();
        traffic.Conntrack.ToList().ForEach(stage.Kernel.Conntrack.Insert);
        var where = $"{traffic.Name} learned in {string.Join(", ", learning)}";
        if (learning.Contains(0))
        {
            LearnAll(traffic);
            IsFast(traffic).ShouldBeTrue($"{where}: there is something to lose");
        }

        change.Prepare(stage);
        var (place, calls, calledBefore, before) = (-1, 0, 0, Array.Empty<byte>());
        stage.Places.During(
            () => change.Make(agent),
            step =>
            {
                var stored = stage.Stored();
                if (calls != calledBefore || !stored.AsSpan().SequenceEqual(before))
                {
                    place++;
                    if (place > 0 && learning.Contains(place))
                    {
                        LearnAll(traffic);
                    }

                    if (IsFast(traffic))
                    {
                        change.MayBeFastDuring.ShouldBeTrue($"{where}: on the fast path in place {place}");
                    }
                }

                (calledBefore, before) = (calls, stored);
                calls += step.Length > 0 ? 1 : 0;
            });
        MustBeGone(change, traffic, where);
        // What the CNI accepted before may still be under way.
        LearnAll(traffic);
        MustBeGone(change, traffic, $"{where}, and once more when all is done");
        return place + 1;
    }

    private void MustBeGone(AgentChange change, Traffic traffic, string where)
    {
        var now = MonotonicClock.Now();
        foreach (var verdict in stage.Verdicts(now))
        {
            (Math.Max(verdict.EgressLease, verdict.IngressLease) - now)
                .ShouldBeLessThanOrEqualTo(MonotonicClock.Nanoseconds(change.LeftAfter), $"{where}: a verdict on one direction is left");
        }

        if (IsFast(traffic))
        {
            change.MayBeFastAfter.ShouldBeTrue($"{where}: on the fast path");
        }
    }

    private static IEnumerable<int[]> Schedules(int places)
    {
        if (places <= MostSubsets)
        {
            return Enumerable.Range(0, 1 << places).Select(set => Enumerable.Range(0, places).Where(place => (set >> place & 1) != 0).ToArray());
        }

        return Enumerable.Range(0, places)
            .SelectMany(first => Enumerable.Range(first, places - first).Select(second => new[] { first, second }))
            .Append([.. Enumerable.Range(0, places)]);
    }

    private void LearnAll(Traffic traffic)
    {
        foreach (var learner in traffic.Learners)
        {
            Learn(learner);
        }
    }

    private void Learn(Run learner)
    {
        if (learner.Before is { } known)
        {
            stage.Kernel.Conntrack.Clear();
            stage.Kernel.Conntrack.Insert(known);
        }

        var context = new PacketContext(Stage.IfIndex(learner.Device), Stage.MissBit);
        stage.Kernel.RunFarEnd(learner.Program, learner.Packet, Stage.OneHopBefore(learner.Packet, learner.Device == "pod"), context)
            .Verdict.ShouldBe(ProgramRun.Next, learner.Program);
    }

    private bool IsFast(Traffic traffic)
    {
        var fast = false;
        foreach (var wanting in traffic.Wanting)
        {
            fast |= stage.Kernel.Run(wanting.Program, wanting.Packet, new PacketContext(Stage.IfIndex(wanting.Device))).Verdict == ProgramRun.Redirect;
        }

        return fast;
    }
}
