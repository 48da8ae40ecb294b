using FsCheck;
using FsCheck.Fluent;
using OnCache.Api;
using OnCache.Operator.Peers;

namespace OnCache.Operator.Tests.Peers;

/// <summary>The price of signals and that none is lost, with time that is an argument.</summary>
public sealed class SignalLedgerProperties
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch.AddYears(50);
    private static readonly SignalPace Pace = new() { PerNode = TimeSpan.FromSeconds(1), PerSecond = 5, Burst = 3 };

    private static readonly Gen<Step[]> Histories = Gen.ArrayOf(
        from pause in Gen.Choose(0, 700)
        from node in Gen.Choose(0, 7)
        from policy in Gen.Choose(0, 60)
        from many in Gen.Frequency((9, Gen.Constant(1)), (1, Gen.Constant(40)))
        from isAccepted in Gen.Frequency((4, Gen.Constant(true)), (1, Gen.Constant(false)))
        select new Step(pause, $"n{node}", [.. Enumerable.Range(policy, many).Select(i => $"shop/p{i}")], isAccepted));

    [Fact]
    public void Every_node_is_told_everything_and_writes_stay_within_their_bound() =>
        Prop.ForAll(Histories.ToArbitrary(), history =>
        {
            var ledger = new SignalLedger(Pace);
            var stored = Enumerable.Range(0, 8).ToDictionary(i => $"n{i}", _ => new SignalTarget(Stored: null, HoldsVerdicts: true), StringComparer.Ordinal);
            var owed = stored.Keys.ToDictionary(node => node, _ => new HashSet<string>(StringComparer.Ordinal), StringComparer.Ordinal);
            var writes = new List<(string Node, DateTimeOffset At)>();
            // Refused ones are tried again, as often as the pace allows.
            var accepted = 0;
            var now = Start;
            var wait = default(TimeSpan?);

            foreach (var step in history)
            {
                now += TimeSpan.FromMilliseconds(step.Pause);
                ledger.Add([step.Node], PendingSignal.Of(step.Policies, [PeerCause.PodLabels], now));
                owed[step.Node].UnionWith(step.Policies);
                Turn(step.IsAccepted);
            }

            // Left alone, everything goes out by the waits it asks for.
            for (var turns = 0; wait is { } pause && turns < 10_000; turns++)
            {
                now += pause + TimeSpan.FromMilliseconds(1);
                Turn(isAccepted: true);
            }

            var span = (now - Start).TotalSeconds;
            return owed.Values.All(policies => policies.Count == 0)
                && writes.Count <= Pace.Burst + (Pace.PerSecond * span)
                && accepted <= history.Length * 2
                && writes.GroupBy(write => write.Node, StringComparer.Ordinal).All(group => group.Zip(group.Skip(1)).All(pair => pair.Second.At - pair.First.At >= Pace.PerNode));

            void Turn(bool isAccepted)
            {
                var batch = ledger.Begin(stored, now);
                wait = batch.Wait;
                foreach (var node in batch.Due)
                {
                    writes.Add((node, now));
                    var signal = batch.Latest[node];
                    signal.NetworkPolicies.Count.ShouldBeLessThanOrEqualTo(signal.All ? 0 : PeerSignal.MaximumPolicies);
                    signal.Revision.ShouldBeGreaterThan(stored[node].Stored?.Revision ?? 0);
                    if (isAccepted)
                    {
                        accepted++;
                        stored[node] = new SignalTarget(signal, HoldsVerdicts: true);
                        owed[node].RemoveWhere(policy => signal.All || signal.NetworkPolicies.Contains(policy, StringComparer.Ordinal));
                    }

                    _ = ledger.End(node, isAccepted);
                    wait = isAccepted ? wait : Pace.PerNode;
                }
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void Thousands_of_changes_of_one_node_are_two_writes_in_a_second()
    {
        var ledger = new SignalLedger(new SignalPace());
        var nodes = Nodes("n1");
        var writes = 0;
        for (var i = 0; i < 2000; i++)
        {
            ledger.Add(["n1"], PendingSignal.Of([$"shop/p{i % 5}"], [PeerCause.PodGone], Start));
            writes += Write(ledger, nodes, Start.AddMilliseconds(i / 2)).Due.Count;
        }

        writes.ShouldBe(1);
        var batch = ledger.Begin(nodes, Start.AddSeconds(1));
        batch.Due.ShouldBe(["n1"]);
        batch.Latest["n1"].NetworkPolicies.ShouldBe(["shop/p0", "shop/p1", "shop/p2", "shop/p3", "shop/p4"]);
        batch.Latest["n1"].Revision.ShouldBe(2);
    }

    [Fact]
    public void A_node_without_pods_of_the_policy_or_without_a_policy_of_ours_costs_nothing()
    {
        var ledger = new SignalLedger(new SignalPace());
        var nodes = Nodes("n1");
        nodes["n2"] = new SignalTarget(Stored: null, HoldsVerdicts: false);
        ledger.Add(["n2", "gone"], PendingSignal.Of(["shop/db"], [PeerCause.PodGone], Start));

        var batch = ledger.Begin(nodes, Start);

        batch.Due.ShouldBeEmpty();
        batch.Wait.ShouldBeNull();
    }

    [Fact]
    public void Numbers_go_on_from_what_is_stored_and_a_new_leader_leaves_a_gap()
    {
        var ledger = new SignalLedger(new SignalPace());
        var nodes = new Dictionary<string, SignalTarget>(StringComparer.Ordinal) { ["n1"] = new(new PeerSignal { Revision = 41 }, HoldsVerdicts: true) };
        ledger.Add(["n1"], PendingSignal.OfAll(PeerCause.Start, Start));
        var first = Write(ledger, nodes, Start).Latest["n1"];
        ledger.Add(["n1"], PendingSignal.Of(["shop/db"], [PeerCause.PodGone], Start));

        // The view still shows what was there before.
        var second = Write(ledger, nodes, Start.AddSeconds(2));

        first.All.ShouldBeTrue();
        first.Revision.ShouldBeGreaterThan(100);
        second.Latest["n1"].Revision.ShouldBe(first.Revision + 1);
        second.For("n1", nodes["n1"].Stored).ShouldBe(second.Latest["n1"]);
        SignalBatch.None.For("n1", nodes["n1"].Stored)!.Revision.ShouldBe(41);
    }

    [Fact]
    public void An_attempt_that_failed_is_repeated_under_another_number_with_all_that_was_to_be_told()
    {
        var ledger = new SignalLedger(new SignalPace());
        var nodes = Nodes("n1");
        ledger.Add(["n1"], PendingSignal.Of(["shop/a"], [PeerCause.PodGone], Start));
        ledger.Begin(nodes, Start).Latest["n1"].Revision.ShouldBe(1);
        ledger.Add(["n1"], PendingSignal.Of(["shop/b"], [PeerCause.PodLabels], Start.AddSeconds(3)));
        _ = ledger.End("n1", isAccepted: false);

        var again = ledger.Begin(nodes, Start.AddSeconds(5)).Latest["n1"];

        again.Revision.ShouldBe(2);
        again.NetworkPolicies.ShouldBe(["shop/a", "shop/b"]);
        var written = ledger.End("n1", isAccepted: true);
        written.Since.ShouldBe(Start);
        written.Causes.ShouldBe([PeerCause.PodGone, PeerCause.PodLabels]);
    }

    private static Dictionary<string, SignalTarget> Nodes(params string[] names) =>
        names.ToDictionary(name => name, _ => new SignalTarget(Stored: null, HoldsVerdicts: true), StringComparer.Ordinal);

    private static SignalBatch Write(SignalLedger ledger, Dictionary<string, SignalTarget> nodes, DateTimeOffset now)
    {
        var batch = ledger.Begin(nodes, now);
        foreach (var node in batch.Due)
        {
            _ = ledger.End(node, isAccepted: true);
        }

        return batch;
    }

    /// <summary>A change, and whether the next write succeeds.</summary>
    private sealed record Step(int Pause, string Node, string[] Policies, bool IsAccepted);
}
