using System.Diagnostics;

namespace OnCache.Lab.Cluster.Components;

/// <summary>The Kubernetes programs that <c>eng/kubernetes.sh</c> builds, in their folder.</summary>
/// <param name="Folder">Holds <c>bin</c>, <c>cni</c> and <c>images</c>.</param>
public sealed record KubernetesComponents(string Folder)
{
    private const string CacheVariable = "ONCACHE_CACHE";
    private const string DefaultCache = "/var/cache/oncache";
    private static readonly string[] ForTheApi = ["bin/etcd", "bin/kube-apiserver", "bin/kubectl"];
    private static readonly string[] ForCel = ["bin/apiextensions-apiserver"];
    private static readonly string[] ForNodes =
    [
        "bin/kube-controller-manager", "bin/kube-scheduler", "bin/kubelet", "bin/kube-proxy",
        "bin/containerd", "bin/containerd-shim-runc-v2", "bin/ctr", "bin/runc", "bin/pause",
        "cni/bridge", "cni/host-local", "cni/loopback", "images/pause.tar", "images/busybox.tar",
    ];

    /// <summary>In <c>$ONCACHE_CACHE/kubernetes</c>, or <c>/var/cache/oncache/kubernetes</c>.</summary>
    public static KubernetesComponents OfThisMachine()
    {
        var cache = Environment.GetEnvironmentVariable(CacheVariable);
        return new(Path.Combine(string.IsNullOrEmpty(cache) ? DefaultCache : cache, "kubernetes"));
    }

    public string ProgramFolder => Path.Combine(Folder, "bin");

    public string Program(string name) => Path.Combine(ProgramFolder, name);

    /// <summary>What of the set is not there, by its path inside <see cref="Folder"/>.</summary>
    public IReadOnlyList<string> Missing(ComponentSet set) =>
        [.. Parts(set).Where(part => !File.Exists(Path.Combine(Folder, part)))];

    /// <exception cref="LabException">Something of the set is missing; says what makes it.</exception>
    public void Require(ComponentSet set)
    {
        if (Missing(set) is { Count: > 0 } missing)
        {
            throw new LabException($"{Folder}: {string.Join(", ", missing)} missing: run 'eng/kubernetes.sh {Word(set)}' in the source tree");
        }
    }

    /// <summary>
    /// Builds what is missing by the source tree's own script, whose progress goes to this process's output. Minutes the first time.
    /// </summary>
    /// <exception cref="LabException">The build failed, or this program is not inside the source tree.</exception>
    public async Task EnsureAsync(ComponentSet set, CancellationToken cancellationToken = default)
    {
        if (Missing(set).Count == 0)
        {
            return;
        }

        if (FindScript() is not { } script)
        {
            Require(set);
            return;
        }

        using var build = Process.Start(new ProcessStartInfo(script, [Word(set)])
        {
            UseShellExecute = false,
            Environment = { [CacheVariable] = Path.GetDirectoryName(Folder) },
        }) ?? throw new LabException($"{script}: cannot start");
        try
        {
            await build.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            build.Kill(entireProcessTree: true);
            throw;
        }

        if (build.ExitCode != 0)
        {
            throw new LabException($"{script} {Word(set)}: exit status {build.ExitCode}; its last line says what is missing");
        }

        Require(set);
    }

    private static string[] Parts(ComponentSet set) => set switch
    {
        ComponentSet.Api => ForTheApi,
        ComponentSet.Cel => [.. ForTheApi, .. ForCel],
        _ => [.. ForTheApi, .. ForNodes],
    };

    private static string Word(ComponentSet set) => set.ToString().ToLowerInvariant();

    // artifacts/bin and tests/*/bin lie inside the source tree.
    private static string? FindScript()
    {
        for (var folder = Path.GetDirectoryName(Environment.ProcessPath); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "OnCache.sln")) && Path.Combine(folder, "eng/kubernetes.sh") is var script && File.Exists(script))
            {
                return script;
            }
        }

        return null;
    }
}
