using OnCache.Lab.Bench.Results;
using OnCache.Lab.Bench.Running;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Tests.Bench;

public sealed class SuiteTests
{
    [Fact]
    public void Every_workload_of_a_suite_has_a_name_of_its_own() =>
        Suite.All.ShouldAllBe(suite => suite.Workloads.Select(workload => workload.Id).Distinct().Count() == suite.Workloads.Count);

    [Fact]
    public void The_standard_suite_has_what_the_targets_speak_of_over_six_rounds()
    {
        Suite.Standard.Rounds.ShouldBeGreaterThanOrEqualTo(6);
        string[] wanted =
        [
            "tcp-rr", "udp-rr", "tcp-crr", "tcp-stream-1", "tcp-stream-2", "tcp-stream-4", "udp-stream-1", "udp-stream-2", "udp-stream-4",
            "tcp-rr/cross-core", "tcp-stream-1/no-offloads", "tcp-stream-1/mtu9000", "tcp-stream-1/mtu9000/no-offloads",
        ];
        wanted.Except(Suite.Standard.Workloads.Select(workload => workload.Id)).ShouldBeEmpty();
    }

    [Fact]
    public void Variants_that_share_a_lab_say_so_by_an_equal_recipe()
    {
        var labs = Variant.All.GroupBy(variant => variant.Recipe).Select(group => string.Join(' ', group.Select(variant => variant.Name)));

        labs.ShouldContain("host-rules overlay");
        labs.Count().ShouldBe(Variant.All.Count - 1);
    }

    [Fact]
    public void Parallel_flows_add_up_and_share_the_core()
    {
        var one = new TrafficResult(TrafficKind.TcpStream, 1, 1000, 1000, null, null, 2, 1, 1_000_000, 400_000);

        var both = ParallelTraffic.Combine([one, one with { Transactions = 3000, Rate = 3000, Gbps = 6, Lost = 0 }]);

        (both.Transactions, both.Rate, both.Gbps, both.Lost).ShouldBe((4000, 4000, 8, 1));
        both.CpuMicrosecondsPerTransaction.ShouldBe(0.25);
        both.P50Microseconds.ShouldBeNull();
    }

    [Fact]
    public void Retransmissions_are_found_by_the_name_of_their_column() =>
        TrafficMeter.ParseRetransmissions("Ip: Forwarding\nIp: 1\nTcp: RtoAlgorithm OutSegs RetransSegs\nTcp: 1 500 7\n").ShouldBe(7);

    [Fact]
    public void Features_that_are_on_are_kept_with_the_name_of_ethtool() =>
        MachineFacts.ParseFeatures("Features for eth0:\nrx-checksumming: on [fixed]\ntx-lockless: on\ntcp-segmentation-offload: off\n\ttx-tcp-segmentation: on\n")
            .ShouldBe(["rx-checksumming", "tx-tcp-segmentation"]);
}
