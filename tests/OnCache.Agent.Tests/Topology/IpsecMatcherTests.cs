using OnCache.Agent.Net;
using OnCache.Agent.Topology;

namespace OnCache.Agent.Tests.Topology;

public sealed class IpsecMatcherTests
{
    private static readonly TunnelPath s_path = new(Networks.Local, Networks.Remote, 8472);

    private static readonly XfrmPolicy s_protect = new() { Direction = XfrmDirection.Out, TemplateCount = 1, Priority = 10 };

    private static readonly XfrmPolicy s_allow = new() { Direction = XfrmDirection.Out, Priority = 5 };

    public static TheoryData<string, bool> Cases => new()
    {
        { "everything", true },
        { "block", true },
        { "allow alone", false },
        { "networks that hold both", true },
        { "another source", false },
        { "another destination", false },
        { "the two addresses swapped", false },
        { "in, swapped", true },
        { "in, not swapped", false },
        { "forward", false },
        { "udp", true },
        { "tcp", false },
        { "the port", true },
        { "another port", false },
        { "ports under a mask", true },
        { "other ports under a mask", false },
        { "some source ports", true },
        { "some marks", true },
        { "a device", true },
        { "an xfrm interface", false },
        { "allowed before", false },
        { "allowed after", true },
        { "allowed before for some source ports", true },
        { "allowed before for some marks", true },
        { "allowed before in the other direction", true },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_policy_counts_when_it_can_meet_the_tunnels_packets(string name, bool expected) =>
        (IpsecMatcher.Find(Policies(name), s_path) is not null).ShouldBe(expected);

    private static XfrmPolicy[] Policies(string name) => name switch
    {
        "everything" => [s_protect],
        "block" => [s_protect with { TemplateCount = 0, Action = XfrmAction.Block }],
        "allow alone" => [s_allow],
        "networks that hold both" => [Between("192.0.2.0/24", "192.0.0.0/16")],
        "another source" => [Between("192.0.2.9/32", "0.0.0.0/0")],
        "another destination" => [Between("0.0.0.0/0", "192.0.2.9/32")],
        "the two addresses swapped" => [Between("192.0.2.2/32", "192.0.2.1/32")],
        "in, swapped" => [Between("192.0.2.2/32", "192.0.2.1/32") with { Direction = XfrmDirection.In }],
        "in, not swapped" => [Between("192.0.2.1/32", "192.0.2.2/32") with { Direction = XfrmDirection.In }],
        "forward" => [s_protect with { Direction = XfrmDirection.Forward }],
        "udp" => [s_protect with { Protocol = 17 }],
        "tcp" => [s_protect with { Protocol = 6 }],
        "the port" => [s_protect with { DestinationPort = 8472, DestinationPortMask = 0xffff }],
        "another port" => [s_protect with { DestinationPort = 4789, DestinationPortMask = 0xffff }],
        "ports under a mask" => [s_protect with { DestinationPort = 8448, DestinationPortMask = 0xff00 }],
        "other ports under a mask" => [s_protect with { DestinationPort = 8192, DestinationPortMask = 0xff00 }],
        "some source ports" => [s_protect with { SourcePort = 4500, SourcePortMask = 0xffff }],
        "some marks" => [s_protect with { HasMark = true }],
        "a device" => [s_protect with { IfIndex = 9 }],
        "an xfrm interface" => [s_protect with { InterfaceId = 9 }],
        "allowed before" => [s_protect, s_allow],
        "allowed after" => [s_allow with { Priority = 20 }, s_protect],
        "allowed before for some source ports" => [s_protect, s_allow with { SourcePort = 4500, SourcePortMask = 0xffff }],
        "allowed before for some marks" => [s_protect, s_allow with { HasMark = true }],
        "allowed before in the other direction" => [s_protect, s_allow with { Direction = XfrmDirection.In }],
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such case"),
    };

    /// <summary>Policies about pods decide on the CNI's path as well, in whichever direction.</summary>
    [Theory]
    [InlineData("10.244.1.0/24", "10.244.2.0/24", true)]
    [InlineData("0.0.0.0/0", "0.0.0.0/0", true)]
    [InlineData("10.99.0.0/16", "10.244.2.0/24", false)]
    public void A_policy_between_addresses_that_matter_moves_packets_when_it_comes_or_goes(string source, string destination, bool moved)
    {
        var policy = Between(source, destination) with { Direction = XfrmDirection.Forward };
        static bool Covers(Ipv4Prefix network) => network.Contains(Ipv4Address.Parse("10.244.1.5")) || network.Contains(Ipv4Address.Parse("10.244.2.5"));

        IpsecMatcher.HasMoved([], [policy], Covers).ShouldBe(moved);
        IpsecMatcher.HasMoved([policy], [], Covers).ShouldBe(moved);
        IpsecMatcher.HasMoved([policy], [policy], Covers).ShouldBeFalse();
        IpsecMatcher.HasMoved([], [policy with { TemplateCount = 0, Action = XfrmAction.Allow }], Covers).ShouldBeFalse();
    }

    private static XfrmPolicy Between(string source, string destination) =>
        s_protect with { Source = Ipv4Prefix.Parse(source), Destination = Ipv4Prefix.Parse(destination) };
}
