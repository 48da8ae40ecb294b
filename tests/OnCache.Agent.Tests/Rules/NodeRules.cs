using System.Collections.Immutable;

using OnCache.Agent.Net;
using OnCache.Agent.Rules;
using OnCache.Agent.Tests.Net;

namespace OnCache.Agent.Tests.Rules;

/// <summary>A network namespace with rules that the real programs write into it, and what the agent makes of them for a node as the fixtures have it.</summary>
internal sealed class NodeRules : IDisposable
{
    /// <summary>A pod behind the bridge.</summary>
    public static RuledPod Pod { get; } = new("uid", "default/pod", Ipv4Address.Parse("10.244.1.5"), ["veth1234abcd", "cni0"], Respects: true);

    /// <summary>A pod with a veth of its own and no bridge, as Calico has it.</summary>
    public static RuledPod Routed { get; } = new("routed", "default/routed", Ipv4Address.Parse("10.244.1.10"), ["cali0ef24ba6a1b"], Respects: true);

    public static IntervalSet Peers { get; } = IntervalSet.Of(Ipv4Address.Parse("10.244.2.0").Value, Ipv4Address.Parse("10.244.2.255").Value);

    public static DeviceRoles Devices { get; } = new(["flannel.1"], ["eth0"], new HashSet<string>(StringComparer.Ordinal) { "lo", "docker0", "virbr0", "br-1234567890ab" });

    public static (PacketClass Out, PacketClass In) Outer { get; } = OuterPackets();

    private NodeRules(TestNamespace space) => Space = space;

    public TestNamespace Space { get; }

    public static NodeRules Create()
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/nft"), "needs nft (Debian package nftables)");
        Assert.SkipUnless(File.Exists("/usr/sbin/iptables-nft"), "needs iptables (Debian package iptables)");
        return new NodeRules(TestNamespace.Create());
    }

    /// <summary>The text of a command line: <c>nft add ...</c>, <c>iptables -A ...</c>; several, one a line.</summary>
    public NodeRules With(string commands)
    {
        foreach (var line in commands.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (line.StartsWith("nft ", StringComparison.Ordinal))
            {
                _ = Space.Do("nft", "-f -", line[4..] + "\n");
            }
            else
            {
                _ = Space.Do("sh", $"-c \"{line.Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
            }
        }

        return this;
    }

    public ImmutableDictionary<string, HostTable> Read() => Space.Run(() =>
    {
        using var reader = HostRulesReader.Open(static index => $"if{index}");
        reader.ReadNames();
        return reader.Tables.Select(key => reader.Read(key, out _)).OfType<HostTable>().Concat(reader.ReadLegacy().Tables).ToImmutableDictionary(static table => table.Name, StringComparer.Ordinal);
    });

    public HostRulesView View() => HostRulesView.Empty.Next(new HostRulesState(Read()), [], Devices, Outer).View;

    /// <summary>The regions that a pod has flows in: "scope: reason".</summary>
    public static IReadOnlyList<string> Kept(HostRulesView view, params RuledPod[] pods) =>
    [
        .. RegionPlan.Of(view.Regions, pods.Length == 0 ? [Pod] : pods, Peers).Impacts
            .Select(static impact => $"{impact.Region.Scope}: {impact.Region.Reason}")
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal),
    ];

    public void Dispose() => Space.Dispose();

    private static (PacketClass Out, PacketClass In) OuterPackets()
    {
        var (node, remote) = (Ipv4Address.Parse("192.168.77.1").Value, Ipv4Address.Parse("192.168.77.2").Value);
        var packets = new PacketClass { Protocols = IntervalSet.Of(17, 17), DestinationPorts = IntervalSet.Of(8472, 8472) };
        return (
            packets with { Sources = IntervalSet.Of(node, node), Destinations = IntervalSet.Of(remote, remote), Way = PacketWay.OuterOut },
            packets with { Sources = IntervalSet.Of(remote, remote), Destinations = IntervalSet.Of(node, node), Way = PacketWay.OuterIn });
    }
}
