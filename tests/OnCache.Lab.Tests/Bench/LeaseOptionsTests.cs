using OnCache.Lab.Bench.Lease;

namespace OnCache.Lab.Tests.Bench;

public sealed class LeaseOptionsTests
{
    private static readonly LeaseOptions Good = new() { Agent = Environment.ProcessPath! };

    [Fact]
    public void The_usual_ones_are_valid_and_no_core_has_the_slow_flows_of_more_than_three_leases()
    {
        Good.Validate();

        LeaseBench.GroupsOf(Good.Leases).ShouldBe([[30, 10, 5], [30, 2, 1]]);
    }

    public static TheoryData<string, LeaseOptions> Wrong => new()
    {
        { "leases", Good with { Leases = [30] } },
        { "leases", Good with { Leases = [5, 5] } },
        { "leases", Good with { Leases = [5, 0] } },
        { "flows", Good with { Flows = 150 } },
        { "flows", Good with { Flows = 0 } },
        { "seconds", Good with { Seconds = 1 } },
        { "agent", Good with { Agent = "/nowhere" } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_is_wrong_is_named(string field, LeaseOptions options) =>
        Should.Throw<LabOptionException>(options.Validate).Message.ShouldContain(field);

    [Fact]
    public void A_lease_is_a_number() => Should.Throw<LabOptionException>(() => LeaseOptions.Parse("5s")).Message.ShouldContain("leases");
}
