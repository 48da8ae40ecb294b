using System.Globalization;
using System.Text.Json.Nodes;
using OnCache.Lab;
using OnCache.Lab.Cluster.Nodes;

namespace OnCache.EndToEnd.Cluster;

/// <summary>Who holds the operator's lease.</summary>
internal sealed record Leadership(string Holder, int Transitions, int DurationSeconds);

/// <summary>The pods of OnCache itself.</summary>
internal sealed class Replicas(InstalledCluster cluster)
{
    public const string OperatorCommand = "oncache-operato";
    public const string AgentCommand = "oncache-agent";
    private const string Space = InstalledCluster.OwnNamespace;
    private const string Deployment = "deployment/oncache-operator";
    private const string OperatorLabel = "app.kubernetes.io/name=oncache-operator";

    public Task<ClusterPod> PodAsync(string name) => cluster.Kubernetes.PodAsync(Space, name, TestContext.Current.CancellationToken);

    public async Task<IReadOnlyList<string>> OperatorsAsync() =>
        (await cluster.KubectlAsync("-n", Space, "get", "pods", "-l", OperatorLabel, "-o", "jsonpath={.items[*].metadata.name}")).Trim().Split(' ');

    public async Task<ClusterPod> AgentAsync(ClusterNode node) => await PodAsync((await cluster.KubectlAsync(
        "-n", Space, "get", "pods", "-l", "app.kubernetes.io/name=oncache-agent", "--field-selector", $"spec.nodeName={node.Name},status.phase=Running",
        "-o", "jsonpath={.items[0].metadata.name}")).Trim());

    /// <summary>Where an agent pins, on the bpf file system as its process sees it.</summary>
    public static string BpfRootOf(ClusterPod agent) =>
        FormattableString.Invariant($"/proc/{agent.FindProcess(AgentCommand)!.Value.Pid}/root/sys/fs/bpf/oncache");

    public async Task<Leadership> LeadershipAsync()
    {
        var spec = JsonNode.Parse(await cluster.KubectlAsync("-n", Space, "get", "lease", "oncache-operator", "-o", "json"))!["spec"]!;
        return new Leadership(
            spec["holderIdentity"]?.GetValue<string>() ?? "", spec["leaseTransitions"]!.GetValue<int>(), spec["leaseDurationSeconds"]!.GetValue<int>());
    }

    /// <summary>Sums a metric of an operator over its labels; 0 when it has never been counted.</summary>
    public async Task<double> MetricAsync(string pod, string metric)
    {
        var text = await cluster.KubectlAsync("get", "--raw", $"/api/v1/namespaces/{Space}/pods/{pod}:8080/proxy/metrics");
        return text.Split('\n')
            .Where(line => line.StartsWith(metric, StringComparison.Ordinal) && line[metric.Length] is ' ' or '{')
            .Sum(static line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }

    public async Task DeleteOperatorsAsync()
    {
        await cluster.KubectlAsync("-n", Space, "delete", "pods", "-l", OperatorLabel, "--wait=false");
        await OperatorsReadyAsync();
    }

    /// <summary>Ends all operators and keeps them from coming back, until disposed.</summary>
    public async Task<IAsyncDisposable> WithoutOperatorsAsync()
    {
        var absence = new Absence(cluster);
        try
        {
            await cluster.KubectlAsync("-n", Space, "scale", Deployment, "--replicas=0");
            await cluster.KubectlAsync("-n", Space, "wait", "--for=delete", "pods", "-l", OperatorLabel, Liveness.KubectlTimeout);
            return absence;
        }
        catch
        {
            await absence.DisposeAsync();
            throw;
        }
    }

    public Task OperatorsReadyAsync() => cluster.KubectlAsync("-n", Space, "rollout", "status", Deployment, Liveness.KubectlTimeout);

    private sealed class Absence(InstalledCluster cluster) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await cluster.UndoAsync("-n", Space, "scale", Deployment, "--replicas=2");
            await cluster.UndoAsync("-n", Space, "rollout", "status", Deployment, Liveness.KubectlTimeout);
        }
    }
}
