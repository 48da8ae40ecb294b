using System.Net;
using OnCache.Lab.Cluster;

namespace OnCache.Lab.Tests.Cluster;

[Collection(KubernetesTurn.Name)]
public sealed class ClusterTests(TwoNodeCluster fixture) : IClassFixture<TwoNodeCluster>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nodes_are_ready_at_their_addresses_with_pod_ranges_of_their_own()
    {
        var cluster = await fixture.ClusterAsync();
        const string Path = "jsonpath={range .items[*]}{.metadata.name} {.status.addresses[0].address} "
            + "{.status.conditions[?(@.type==\"Ready\")].status} {.spec.podCIDR}{\"\\n\"}{end}";

        var nodes = (await cluster.KubectlAsync(["get", "nodes", "-o", Path], cancellationToken: Cancellation)).EnsureSuccess().Output;

        var words = nodes.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')).ToArray();
        words.Select(node => string.Join(' ', node[..3])).ShouldBe(["n1 192.168.77.1 True", "n2 192.168.77.2 True"]);
        words.Select(node => node[3]).Distinct(StringComparer.Ordinal).Count().ShouldBe(2);
        words.ShouldAllBe(node => IPNetwork.Parse("10.244.0.0/16").Contains(IPNetwork.Parse(node[3]).BaseAddress));
    }

    [Fact]
    public async Task Pods_on_two_nodes_talk_over_the_overlay_each_node_counting_as_a_hop()
    {
        var cluster = await fixture.ClusterAsync();
        var there = await fixture.PodAddressAsync(cluster.Nodes[1]);
        var before = await TunnelPacketsAsync(cluster);

        var ping = await fixture.InPodAsync(cluster.Nodes[0], "ping", "-c", "5", "-i", "0.2", "-W", "2", there);

        ping.EnsureSuccess().Output.ShouldContain(" ttl=62 ");
        ping.Output.ShouldContain("5 packets received");
        (await TunnelPacketsAsync(cluster)).ShouldBeGreaterThanOrEqualTo(before + 5);
    }

    [Fact]
    public async Task A_packet_that_does_not_fit_the_overlay_is_refused_by_the_pods_own_device()
    {
        var cluster = await fixture.ClusterAsync();
        (await fixture.InPodAsync(cluster.Nodes[0], "cat", "/sys/class/net/eth0/mtu")).EnsureSuccess().Output.Trim().ShouldBe("1450");
    }

    [Fact]
    public async Task A_service_reaches_its_pods_on_both_nodes()
    {
        var cluster = await fixture.ClusterAsync();
        var service = (await cluster.KubectlAsync(["get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"], cancellationToken: Cancellation)).Output.Trim();
        string[] expected = [await fixture.PodAsync(cluster.Nodes[0]), await fixture.PodAsync(cluster.Nodes[1])];
        var answered = new HashSet<string>(StringComparer.Ordinal);

        await Eventually.HoldsAsync(async () =>
        {
            var ask = $"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {service} 80 | tail -n 1";
            answered.Add((await fixture.InPodAsync(cluster.Nodes[0], "sh", "-c", ask)).Output.Trim());
            return answered.IsSupersetOf(expected);
        });
    }

    [Fact]
    public async Task The_api_server_and_pods_reach_each_other()
    {
        var cluster = await fixture.ClusterAsync();
        var pod = await fixture.PodAsync(cluster.Nodes[1]);

        var page = await cluster.KubectlAsync(["get", "--raw", $"/api/v1/namespaces/default/pods/{pod}:8080/proxy/"], cancellationToken: Cancellation);
        page.EnsureSuccess().Output.Trim().ShouldBe(pod);
        (await fixture.InPodAsync(cluster.Nodes[1], "sh", "-c", "nc -w 2 10.96.0.1 443 </dev/null")).EnsureSuccess();
    }

    [Fact]
    public async Task The_bpf_file_system_of_a_pod_is_its_nodes_own()
    {
        var cluster = await fixture.ClusterAsync();
        var made = $"{TwoNodeCluster.BpfFolder}/{cluster.Name}";
        (await fixture.InPodAsync(cluster.Nodes[0], "mkdir", made)).EnsureSuccess();
        try
        {
            (await cluster.Nodes[0].RunCommandAsync("test", ["-d", made], cancellationToken: Cancellation)).ExitCode.ShouldBe(0);
            (await cluster.Nodes[1].RunCommandAsync("test", ["-d", made], cancellationToken: Cancellation)).ExitCode.ShouldBe(1);
            Directory.Exists(made).ShouldBeFalse();
        }
        finally
        {
            await fixture.InPodAsync(cluster.Nodes[0], "rmdir", made);
        }
    }

    [Fact]
    public async Task A_command_in_a_node_sees_the_node_alone()
    {
        var node = (await fixture.ClusterAsync()).Nodes[0];
        (await node.RunCommandAsync("hostname", [], cancellationToken: Cancellation)).Output.Trim().ShouldBe("n1");
        (await node.RunCommandAsync("cat", ["/proc/1/comm"], cancellationToken: Cancellation)).Output.Trim().ShouldBe("pause");
        (await node.RunCommandAsync("cat", ["-"], input: "through", cancellationToken: Cancellation)).Output.Trim().ShouldBe("through");
    }

    [Fact]
    public async Task The_machines_own_settings_stay_as_they_were()
    {
        await fixture.ClusterAsync();
        TwoNodeCluster.ReadMachineSettings().ShouldBe(fixture.MachineSettings, ignoreOrder: true);
    }

    [Fact]
    public async Task An_api_server_that_restarts_finds_its_nodes_and_they_find_it()
    {
        var cluster = await fixture.ClusterAsync();
        await cluster.ControlPlane.RestartApiServerAsync(Cancellation);

        (await cluster.KubectlAsync(["run", "late", "--image=oncache.io/busybox:1", "--image-pull-policy=Never", "--restart=Never", "--command", "--", "true"],
            cancellationToken: Cancellation)).EnsureSuccess();
        try
        {
            await Eventually.HoldsAsync(async () => (await cluster.KubectlAsync(
                ["get", "pod", "late", "-o", "jsonpath={.status.phase}"], cancellationToken: Cancellation)).Output.Trim() == "Succeeded");
        }
        finally
        {
            await cluster.KubectlAsync(["delete", "pod", "late", "--now", "--wait=false"], cancellationToken: CancellationToken.None);
        }
    }

    [Fact]
    public async Task A_file_that_is_no_image_is_refused_in_one_line()
    {
        var cluster = await fixture.ClusterAsync();
        (await Should.ThrowAsync<LabException>(() => cluster.ImportImageAsync("/nowhere.tar", Cancellation))).Message.ShouldContain("/nowhere.tar");
        (await Should.ThrowAsync<LabException>(() => cluster.ImportImageAsync("/etc/hostname", Cancellation))).Message.ShouldContain("images import");
    }

    private static async Task<long> TunnelPacketsAsync(KubernetesCluster cluster)
    {
        var read = await cluster.Nodes[1].RunCommandAsync(
            "cat", ["/sys/class/net/flannel.1/statistics/rx_packets"], cancellationToken: Cancellation);
        return long.Parse(read.EnsureSuccess().Output);
    }
}
