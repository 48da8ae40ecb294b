using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;
using OnCache.Lab.Tests.Cluster;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Tests.Overlay;

public sealed class PodLifeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_pod_made_anew_keeps_its_address_and_nothing_else()
    {
        LiveLab.Require();
        await using var lab = await OverlayLab.UpAsync(new LabOptions(), cancellationToken: Cancellation);
        var (node, peer) = (lab.Nodes[1], lab.Nodes[0].Pods[0]);
        var old = node.Pods[0];
        (await Wire.CanTalkAsync(peer, old, Wire.Patience)).ShouldBeTrue();

        var current = await node.RecreatePodAsync(old, Cancellation);

        node.Pods.ShouldBe([current]);
        current.Address.ShouldBe(old.Address);
        current.Namespace.ShouldBe(old.Namespace);
        current.HostInterface.ShouldNotBe(old.HostInterface);
        current.Uid.ShouldNotBe(old.Uid);
        current.Mac.ShouldNotBe(old.Mac);
        (await current.RunCommandAsync("ip", ["-o", "link", "show", current.Device], Cancellation)).Output.ShouldContain(current.Mac);
        (await File.ReadAllTextAsync(node.AgentConfigPath, Cancellation)).ShouldContain(current.Uid.ToString());
        (await Wire.CanTalkAsync(peer, current, Wire.Patience)).ShouldBeTrue();
        (await Should.ThrowAsync<LabException>(() => node.DeletePodAsync(old, Cancellation))).Message.ShouldContain("not on node n2 any more");
    }

    [Fact]
    public async Task Pods_come_and_go_and_a_loaded_lab_knows()
    {
        LiveLab.Require();
        await using var lab = await OverlayLab.UpAsync(new LabOptions(), cancellationToken: Cancellation);
        var node = lab.Nodes[0];
        var added = await node.AddPodAsync(Cancellation);
        added.Name.ShouldBe("n1p2");
        (await Wire.CanTalkAsync(lab.Nodes[1].Pods[0], added, Wire.Patience)).ShouldBeTrue();

        await node.DeletePodAsync(node.Pods[0], Cancellation);

        NetworkNamespace.Exists(new LabNames(lab.Name).Namespace("n1p1")).ShouldBeFalse();
        (await node.RunCommandAsync("iptables", ["-S"], Cancellation)).Output.ShouldNotContain("n1p1");
        await using (var loaded = OverlayLab.Load(lab.Name))
        {
            loaded.Nodes[0].Pods.Select(pod => pod.Uid).ShouldBe([added.Uid]);
        }

        (await node.AddPodAsync(Cancellation)).Name.ShouldBe("n1p1");
        (await Wire.CanTalkAsync(added, node.Pods[0], Wire.Patience)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_pod_without_rules_can_be_made_anew_too()
    {
        LiveLab.Require();
        await using var lab = await OverlayLab.UpAsync(new LabOptions { Rules = NodeRules.None, Nodes = 3 }, cancellationToken: Cancellation);
        var current = await lab.Nodes[2].RecreatePodAsync(lab.Nodes[2].Pods[0], Cancellation);

        (await Wire.CanTalkAsync(lab.Nodes[0].Pods[0], current, Wire.Patience)).ShouldBeTrue();
        (await Wire.CanTalkAsync(lab.Nodes[1].Pods[0], current, Wire.Patience)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_pod_made_anew_is_known_to_its_node_before_it_speaks()
    {
        LiveLab.Require();

        // Beside another pod: where the last one goes, the bridge is down for a moment and forgets all.
        await using var lab = await OverlayLab.UpAsync(new LabOptions { Pods = 2 }, cancellationToken: Cancellation);
        var (node, old) = (lab.Nodes[1], lab.Nodes[1].Pods[0]);

        // An hour, so that what it has does not go by itself.
        (await node.RunCommandAsync("sysctl", ["-qw", $"net.ipv4.neigh.{LabNames.Bridge}.base_reachable_time_ms=3600000"], Cancellation)).EnsureSuccess();
        (await Wire.CanTalkAsync(lab.Nodes[0].Pods[0], old, Wire.Patience)).ShouldBeTrue();
        (await NeighbourAsync()).ShouldContain(old.Mac);

        var current = await node.RecreatePodAsync(old, Cancellation);

        await Eventually.HoldsAsync(async () => (await NeighbourAsync()).Contains(current.Mac, StringComparison.Ordinal));

        async Task<string> NeighbourAsync() =>
            (await node.RunCommandAsync("ip", ["neighbour", "show", $"{old.Address}", "dev", LabNames.Bridge], Cancellation)).EnsureSuccess().Output;
    }
}
