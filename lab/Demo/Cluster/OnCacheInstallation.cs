using System.Text.Json;

namespace OnCache.Lab.Demo.Cluster;

/// <summary>OnCache in a cluster: its operator and its agents.</summary>
/// <param name="manifests">Folder of the kustomization that installs it.</param>
internal sealed class OnCacheInstallation(Kubectl kubectl, string manifests)
{
    public const string Namespace = "oncache-system";
    public const string Agent = "oncache-agent";
    public const string Operator = "oncache-operator";
    private const string RolloutLimit = "--timeout=150s";

    /// <summary>Folder of the kustomization that installs it, in a checkout.</summary>
    public static string ManifestsIn(string root) => Path.Combine(root, "config", "default");

    /// <summary>Archives of the images that it is installed from, in a checkout where they were packed.</summary>
    public static IReadOnlyList<string> ImagesIn(string root) => [ImageIn(root, Agent), ImageIn(root, Operator)];

    public static string ImageIn(string root, string program) => Path.Combine(root, "artifacts", "images", $"{program}.tar");

    public async Task<bool> IsPresentAsync(CancellationToken cancellationToken) =>
        (await kubectl.RunAsync(["get", "daemonset", Agent, "-n", Namespace, "--ignore-not-found", "-o", "name"], cancellationToken)).Length > 0;

    public Task ApplyAsync(CancellationToken cancellationToken) => kubectl.ApplyAsync(manifests, cancellationToken);

    /// <summary>Waits until every agent and both operators run.</summary>
    /// <exception cref="LabException">They do not; names a pod that does not start, and why.</exception>
    public async Task WaitAsync(IProgress<string> stages, CancellationToken cancellationToken)
    {
        foreach (var workload in (string[])[$"daemonset/{Agent}", $"deployment/{Operator}"])
        {
            stages.Report($"waiting for {workload}");
            var rollout = await kubectl.TryAsync(["-n", Namespace, "rollout", "status", workload, RolloutLimit], cancellationToken);
            if (rollout.ExitCode != 0)
            {
                var pods = await kubectl.GetAsync(["pods", "-n", Namespace], cancellationToken);
                throw new LabException($"{workload} does not become ready: {WhyNot(pods) ?? rollout.Error.Trim()}");
            }
        }
    }

    /// <summary>The agents' pods by node.</summary>
    public async Task<IReadOnlyList<ProgramPod>> AgentsAsync(CancellationToken cancellationToken) =>
        [.. (await PodsAsync(Agent, cancellationToken)).OrderBy(pod => pod.Node, StringComparer.Ordinal)];

    /// <summary>The operator that holds the lease, the one that works.</summary>
    /// <exception cref="LabException">None does.</exception>
    public async Task<ProgramPod> LeaderAsync(CancellationToken cancellationToken)
    {
        var holder = await kubectl.RunAsync(["-n", Namespace, "get", "lease", Operator, "-o", "jsonpath={.spec.holderIdentity}"], cancellationToken);
        return (await PodsAsync(Operator, cancellationToken)).FirstOrDefault(pod => pod.Name == holder)
            ?? throw new LabException($"lease {Namespace}/{Operator} is held by '{holder}', which is no operator's pod");
    }

    /// <summary>An agent's status, as its JSON says.</summary>
    public Task<string> StatusAsync(ProgramPod agent, CancellationToken cancellationToken) =>
        kubectl.RunAsync(["-n", Namespace, "exec", agent.Name, "--", "/usr/bin/oncache-agent", "status", "-o", "json"], cancellationToken);

    /// <summary>The first container that waits for something that will not come by itself; null when none does.</summary>
    internal static string? WhyNot(JsonElement pods)
    {
        foreach (var pod in pods.GetProperty("items").EnumerateArray())
        {
            if (!pod.GetProperty("status").TryGetProperty("containerStatuses", out var containers))
            {
                continue;
            }

            foreach (var container in containers.EnumerateArray())
            {
                if (container.GetProperty("state").TryGetProperty("waiting", out var waiting)
                    && waiting.TryGetProperty("reason", out var reason) && reason.GetString() is { } word and not "ContainerCreating")
                {
                    var image = container.GetProperty("image").GetString();
                    var hint = word.Contains("Image", StringComparison.Ordinal) ? $": the nodes need the image {image}; {ImageHint}" : "";
                    return $"{pod.GetProperty("metadata").GetProperty("name").GetString()}: {word}{hint}";
                }
            }
        }

        return null;
    }

    /// <summary>How images get to nodes without a registry.</summary>
    public const string ImageHint =
        "'make images' packs it to artifacts/images, 'ctr --namespace k8s.io images import FILE' loads it on a node (or build the Dockerfile's target)";

    private async Task<IEnumerable<ProgramPod>> PodsAsync(string name, CancellationToken cancellationToken)
    {
        var pods = await kubectl.GetAsync(["pods", "-n", Namespace, "-l", $"app.kubernetes.io/name={name}"], cancellationToken);
        return pods.GetProperty("items").EnumerateArray().Select(pod => new ProgramPod(
            name,
            pod.GetProperty("metadata").GetProperty("name").GetString()!,
            pod.GetProperty("metadata").GetProperty("uid").GetString()!,
            pod.GetProperty("spec").GetProperty("nodeName").GetString()!));
    }
}

/// <summary>A pod that runs one of our programs.</summary>
/// <param name="Program">The name of its file.</param>
internal sealed record ProgramPod(string Program, string Name, string Uid, string Node)
{
    /// <summary>Resident memory of the program in bytes, when it runs on this machine; null when it does not.</summary>
    public long? ResidentBytes()
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            try
            {
                // A pod's control group has the pod's uid in its name, with hyphens or underscores by the driver.
                var group = File.ReadAllText(Path.Combine(folder, "cgroup")).Replace('_', '-');
                if (group.Contains($"pod{Uid}", StringComparison.Ordinal)
                    && File.ReadAllText(Path.Combine(folder, "cmdline")).Split('\0')[0] == $"/usr/bin/{Program}")
                {
                    return ResidentBytes(File.ReadLines(Path.Combine(folder, "status")));
                }
            }
            catch (IOException)
            {
                // Ended while it was read.
            }
        }

        return null;
    }

    /// <summary>VmRSS of /proc/PID/status, which counts in KiB.</summary>
    internal static long? ResidentBytes(IEnumerable<string> status)
    {
        var words = status.FirstOrDefault(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))?.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words is [_, var kibibytes, ..] && long.TryParse(kibibytes, out var number) ? number * 1024 : null;
    }
}
