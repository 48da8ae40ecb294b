using System.Globalization;
using System.Text.Json.Nodes;
using OnCache.Lab.Cluster.Nodes;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Cluster;

/// <summary>What OnCache's own processes may do: in the API and on the node.</summary>
[Collection(ClusterTests.Name)]
public sealed class RightsTests(InstalledCluster cluster) : IAsyncLifetime
{
    private const string Agent = "system:serviceaccount:oncache-system:oncache-agent";
    private const string Operator = "system:serviceaccount:oncache-system:oncache-operator";
    private readonly Replicas replicas = new(cluster);

    public ValueTask InitializeAsync() => new(cluster.RequireAsync());

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task An_agent_writes_the_status_of_its_own_node_and_of_no_other()
    {
        var (first, second) = (cluster.Kubernetes.Nodes[0], cluster.Kubernetes.Nodes[1]);
        var token = await TokenAsync(first);

        (await WriteStatusAsync(token, first.Name)).EnsureSuccess();
        var refused = await WriteStatusAsync(token, second.Name);

        refused.ExitCode.ShouldNotBe(0);
        refused.Error.ShouldContain($"the agent of node {first.Name} may write the status of {first.Name} alone, not of {second.Name}");
    }

    [Theory]
    [InlineData(Agent, "patch nodecacheconfigs.oncache.io")]
    [InlineData(Agent, "create nodecacheconfigs.oncache.io")]
    [InlineData(Agent, "delete nodecacheconfigs.oncache.io")]
    [InlineData(Agent, "patch overlaycachepolicies.oncache.io")]
    [InlineData(Agent, "patch overlaycachepolicies.oncache.io --subresource=status")]
    [InlineData(Agent, "patch pods")]
    [InlineData(Agent, "create pods")]
    [InlineData(Agent, "create pods --subresource=exec")]
    [InlineData(Agent, "patch nodes")]
    [InlineData(Agent, "patch namespaces")]
    [InlineData(Agent, "get secrets")]
    [InlineData(Agent, "get secrets -n oncache-system")]
    [InlineData(Agent, "get configmaps -n oncache-system")]
    [InlineData(Agent, "create serviceaccounts --subresource=token -n oncache-system")]
    [InlineData(Agent, "update leases.coordination.k8s.io -n oncache-system")]
    [InlineData(Operator, "update nodecacheconfigs.oncache.io --subresource=status")]
    [InlineData(Operator, "delete overlaycachepolicies.oncache.io")]
    [InlineData(Operator, "create pods")]
    [InlineData(Operator, "patch nodes")]
    [InlineData(Operator, "get secrets")]
    [InlineData(Operator, "list secrets -n oncache-system")]
    [InlineData(Operator, "patch validatingwebhookconfigurations.admissionregistration.k8s.io")]
    [InlineData(Operator, "create clusterrolebindings.rbac.authorization.k8s.io")]
    public async Task What_they_need_not_do_they_may_not(string account, string deed)
    {
        var answer = await cluster.Kubernetes.KubectlAsync(
            ["auth", "can-i", .. deed.Split(' '), "--as", account], cancellationToken: TestContext.Current.CancellationToken);

        answer.Output.Trim().ShouldBe("no");
    }

    [Fact]
    public async Task Their_processes_hold_the_privileges_that_the_manifests_name()
    {
        // BPF 39, PERFMON 38, NET_ADMIN 12.
        var agent = await ProcessAsync(await replicas.AgentAsync(cluster.Kubernetes.Nodes[0]), Replicas.AgentCommand);
        agent.ShouldBe(new Privileges(Uid: 0, Capabilities: (1UL << 39) | (1UL << 38) | (1UL << 12), NoNewPrivileges: true, Seccomp: 2, ReadOnlyRoot: true));

        foreach (var name in await replicas.OperatorsAsync())
        {
            (await ProcessAsync(await replicas.PodAsync(name), Replicas.OperatorCommand))
                .ShouldBe(new Privileges(Uid: 65532, Capabilities: 0, NoNewPrivileges: true, Seccomp: 2, ReadOnlyRoot: true));
        }
    }

    /// <summary>The token of the agent of a node, as it lies in its volume.</summary>
    private async Task<string> TokenAsync(ClusterNode node)
    {
        var agent = await replicas.AgentAsync(node);
        var read = await node.RunCommandAsync(
            "cat", [$"/var/lib/kubelet/pods/{agent.Uid}/volumes/kubernetes.io~projected/token/token"], cancellationToken: TestContext.Current.CancellationToken);
        return read.EnsureSuccess().Output.Trim();
    }

    private async Task<CommandResult> WriteStatusAsync(string token, string node)
    {
        var config = JsonNode.Parse(await cluster.KubectlAsync("get", "ncc", node, "-o", "json"))!;
        // The token's kubeconfig, since a client certificate would go before a token.
        return await cluster.Kubernetes.KubectlAsync(
            [
                "--kubeconfig", cluster.Kubernetes.ControlPlane.TokenKubeconfig, "--token", token,
                "replace", "--raw", $"/apis/oncache.io/v1alpha1/nodecacheconfigs/{node}/status", "-f", "-",
            ],
            config.ToJsonString(),
            TestContext.Current.CancellationToken);
    }

    private static async Task<Privileges> ProcessAsync(ClusterPod pod, string command)
    {
        var process = pod.FindProcess(command) ?? throw new InvalidOperationException($"no {command} runs in {pod}");
        var folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Pid}");
        var fields = (await File.ReadAllLinesAsync(Path.Combine(folder, "status"), TestContext.Current.CancellationToken))
            .Select(static line => line.Split(':', 2))
            .ToDictionary(static parts => parts[0], static parts => parts[1].Trim(), StringComparer.Ordinal);
        var root = (await File.ReadAllLinesAsync(Path.Combine(folder, "mounts"), TestContext.Current.CancellationToken))
            .Select(static line => line.Split(' ')).First(static mount => mount[1] == "/");
        return new Privileges(
            int.Parse(fields["Uid"].Split('\t')[1], CultureInfo.InvariantCulture),
            ulong.Parse(fields["CapEff"], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            fields["NoNewPrivs"] == "1",
            int.Parse(fields["Seccomp"], CultureInfo.InvariantCulture),
            root[3].Split(',').Contains("ro", StringComparer.Ordinal));
    }

    private sealed record Privileges(int Uid, ulong Capabilities, bool NoNewPrivileges, int Seccomp, bool ReadOnlyRoot);
}
