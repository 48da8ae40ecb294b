using System.Net;
using System.Net.Sockets;
using OnCache.Kubernetes.NetworkPolicies;
using OnCache.Lab.Chaos;
using OnCache.Lab.Policy;

namespace OnCache.Lab.Tests.Chaos;

/// <summary>What the oracle holds against a delivery, and what not. All moments are seconds of a run.</summary>
public sealed class OracleTests
{
    private const string Node = "n1";
    private const double Lease = 10;
    private const double Settle = 3;
    private const double Allowance = 2;
    private static readonly IPAddress Address = IPAddress.Parse("10.244.1.2");
    private static readonly DenialKey Key = new("client", "server", ProtocolType.Tcp, TrafficDirections.Ingress);

    private readonly Oracle cutting = Create(EnforcerKind.Cutting);

    [Fact]
    public void A_message_for_another_address_is_never_right()
    {
        var astray = Sent(1) with { Addressed = IPAddress.Parse("10.244.1.3") };

        cutting.Judge(astray).ShouldNotBeNull().ShouldContain("misdelivered");
    }

    [Theory]
    [InlineData(19, false)]
    [InlineData(21.9, false)]
    [InlineData(22.1, true)]
    public void Where_the_agent_hears_a_denial_holds_after_the_allowance(double sent, bool isWrong)
    {
        cutting.Deny(Denied(written: 18, visible: 19, enforced: 20));

        (cutting.Judge(Sent(sent)) is not null).ShouldBe(isWrong);
    }

    [Theory]
    [InlineData(31.9, false)]
    [InlineData(32.1, true)]
    public void Where_the_agent_was_disturbed_it_holds_a_lease_later(double sent, bool isWrong)
    {
        cutting.Settle(Node, cutting.Disturb(Node, At(15)), At(18.5));
        cutting.Deny(Denied(written: 18, visible: 19, enforced: 20));

        (cutting.Judge(Sent(sent)) is not null).ShouldBe(isWrong);
        cutting.WorstLeased.ShouldBe(At(sent) - At(20));
    }

    [Fact]
    public void A_disturbance_within_the_allowance_counts_and_one_that_is_over_before_does_not()
    {
        _ = cutting.Disturb(Node, At(21));
        cutting.Deny(Denied(written: 18, visible: 19, enforced: 20));
        cutting.Judge(Sent(25)).ShouldBeNull();

        var other = Create(EnforcerKind.Cutting);
        other.Settle(Node, other.Disturb(Node, At(1)), At(17));
        other.Deny(Denied(written: 18, visible: 19, enforced: 20));
        other.Judge(Sent(25)).ShouldNotBeNull();
    }

    [Theory]
    [InlineData(21.5, true, 25)]
    [InlineData(20, false, 23)]
    public void A_late_enforcer_or_a_change_that_the_agent_does_not_watch_leaves_it_to_the_lease(double enforced, bool isHeard, double sent)
    {
        cutting.Deny(Denied(written: 18, visible: 18, enforced) with { IsHeard = isHeard });

        cutting.Judge(Sent(sent)).ShouldBeNull();
        cutting.Judge(Sent(enforced + Lease + Allowance + 0.1)).ShouldNotBeNull();
    }

    [Fact]
    public void An_enforcer_that_spares_established_flows_is_judged_by_when_the_flow_was_opened()
    {
        var sparing = Create(EnforcerKind.NewOnly);
        sparing.Deny(Denied(written: 18, visible: 19, enforced: 20));

        sparing.Judge(Sent(30) with { Opened = At(19) }).ShouldBeNull();
        sparing.Judge(Sent(30) with { Opened = At(23) }).ShouldNotBeNull();
    }

    [Fact]
    public void What_is_lifted_or_about_another_port_or_a_pod_that_is_gone_is_no_denial()
    {
        cutting.Deny(Denied(written: 18, visible: 19, enforced: 20));
        cutting.Judge(Sent(30) with { Protocol = ProtocolType.Udp }).ShouldBeNull();
        cutting.Judge(Sent(30) with { Destination = "next" }).ShouldBeNull();

        cutting.Allow(Key, At(31));
        cutting.Judge(Sent(30)).ShouldBeNull();

        cutting.Deny(Denied(written: 18, visible: 19, enforced: 20));
        cutting.Gone("server", At(40));
        cutting.Judge(Sent(39)).ShouldBeNull();
    }

    [Fact]
    public void Only_a_connection_that_nothing_touched_must_live()
    {
        cutting.IsExcused("client", "server", At(1), At(5)).ShouldBeFalse();

        cutting.Touch(Key, At(10));
        cutting.IsExcused("client", "server", At(8), At(5)).ShouldBeTrue("denied during its life");
        cutting.IsExcused("client", "server", At(14), At(5)).ShouldBeTrue("it may be what is left of the denial");
        cutting.IsExcused("client", "server", At(16), At(5)).ShouldBeFalse();
        cutting.IsExcused("server", "client", At(8), At(5)).ShouldBeFalse();

        cutting.Gone("client", At(20));
        cutting.IsExcused("client", "server", At(16), At(5)).ShouldBeTrue();
    }

    private static Oracle Create(EnforcerKind kind) => new(kind, At(Lease), At(Settle), At(Allowance));

    private static Denial Denied(double written, double visible, double enforced) =>
        new(Key, At(written), At(visible), At(enforced), Node, IsHeard: true, "a change");

    private static Delivery Sent(double sent) =>
        new("client", "server", Address, Address, ProtocolType.Tcp, At(0), At(sent), At(sent));

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
}
