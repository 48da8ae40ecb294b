using OnCache.Agent.Net;
using OnCache.Agent.Topology;

namespace OnCache.Agent.Tests.Topology;

public sealed class ShapingTests
{
    [Theory]
    [InlineData("noqueue")]
    [InlineData("pfifo_fast")]
    [InlineData("fq_codel")]
    [InlineData("fq")]
    [InlineData("mq")]
    public void Default_disciplines_limit_nothing(string kind) =>
        Attachment(new Qdisc(Networks.PodVeth, kind, 0x1_0000, Qdisc.Root)).IngressShaped.ShouldBeNull();

    [Theory]
    [InlineData("tbf")]
    [InlineData("htb")]
    [InlineData("netem")]
    public void Any_other_discipline_shapes_traffic_to_the_pod(string kind)
    {
        var attachment = Attachment(new Qdisc(Networks.PodVeth, kind, 0x1_0000, Qdisc.Root));

        attachment.IngressShaped.ShouldBe($"vethpod: queueing discipline {kind}");
        attachment.EgressShaped.ShouldBeNull();
    }

    /// <summary>Of a device with several queues each may have one, below a root that limits nothing.</summary>
    [Fact]
    public void A_discipline_within_another_shapes_as_well() =>
        Attachment(new Qdisc(Networks.PodVeth, "tbf", 0x2_0000, 0x1_0001)).IngressShaped.ShouldBe("vethpod: queueing discipline tbf");

    [Fact]
    public void A_fair_queue_with_a_rate_shapes() =>
        Attachment(new Qdisc(Networks.PodVeth, "fq", 0x1_0000, Qdisc.Root) { HasRate = true }).IngressShaped.ShouldBe("vethpod: queueing discipline fq");

    [Fact]
    public void The_clsact_hook_does_not_count() =>
        Attachment(new Qdisc(Networks.PodVeth, "clsact", 0xffff_0000, Qdisc.Clsact)).IngressShaped.ShouldBeNull();

    [Fact]
    public void A_discipline_of_another_device_does_not_count() =>
        Attachment(new Qdisc(Networks.Eth0, "tbf", 0x1_0000, Qdisc.Root)).IngressShaped.ShouldBeNull();

    [Fact]
    public void A_foreign_filter_at_ingress_shapes_traffic_from_the_pod()
    {
        var attachment = Attachment(new TcFilter(Networks.PodVeth, TcDirection.Ingress, "matchall", 49152, 1));

        attachment.EgressShaped.ShouldBe("vethpod: matchall filter of priority 49152 at ingress");
        attachment.IngressShaped.ShouldBeNull();
    }

    [Fact]
    public void A_foreign_filter_at_egress_shapes_traffic_to_the_pod()
    {
        var attachment = Attachment(new TcFilter(Networks.PodVeth, TcDirection.Egress, "bpf", 1, 1, "other_prog:[7]", 7));

        attachment.IngressShaped.ShouldBe("vethpod: bpf filter 'other_prog:[7]' of priority 1 at egress");
        attachment.EgressShaped.ShouldBeNull();
    }

    [Theory]
    [InlineData(TcDirection.Ingress)]
    [InlineData(TcDirection.Egress)]
    internal void Our_own_filters_do_not_count(TcDirection direction)
    {
        var attachment = Attachment(new TcFilter(Networks.PodVeth, direction, "bpf", 1, 1, "oncache_pod:[7]", 7));

        attachment.IngressShaped.ShouldBeNull();
        attachment.EgressShaped.ShouldBeNull();
    }

    private static EndpointAttachment Attachment(Qdisc qdisc) => Attachment(Networks.Node.With(qdisc));

    private static EndpointAttachment Attachment(TcFilter filter) => Attachment(Networks.Node.With(filter));

    private static EndpointAttachment Attachment(NetworkSnapshot network) =>
        EndpointResolver
            .Resolve(network, new BridgePorts(network), Networks.Pod, static filter => filter.BpfName?.StartsWith("oncache_", StringComparison.Ordinal) == true)
            .Value.ShouldNotBeNull();
}
