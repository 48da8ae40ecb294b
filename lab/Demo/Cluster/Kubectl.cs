using System.Text.Json;
using OnCache.Lab.Cluster;
using OnCache.Lab.Cluster.Components;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Demo.Cluster;

/// <summary>kubectl against one cluster.</summary>
internal sealed class Kubectl(Func<IReadOnlyList<string>, string?, CancellationToken, Task<CommandResult>> run)
{
    private static string SearchPath => $"{Environment.GetEnvironmentVariable("PATH")}:{KubernetesComponents.OfThisMachine().ProgramFolder}";

    public static Kubectl Of(KubernetesCluster cluster) => new(cluster.KubectlAsync);

    /// <summary>Against the cluster that the environment's KUBECONFIG names, by the kubectl on PATH or else the lab's own.</summary>
    public static Kubectl OfEnvironment()
    {
        var program = SearchPath.Split(':').Select(folder => Path.Combine(folder, "kubectl")).FirstOrDefault(File.Exists)
            ?? throw new LabException("kubectl is not on PATH: install it, it talks to the cluster");
        return new Kubectl((arguments, input, cancellationToken) => Tool.RunAsync(program, arguments, input, cancellationToken));
    }

    /// <summary>Runs a script that calls kubectl, against the same cluster and with the same kubectl as <see cref="OfEnvironment"/>.</summary>
    /// <exception cref="LabException">It failed; says what it said.</exception>
    public static async Task RunScriptAsync(string script, CancellationToken cancellationToken) =>
        (await Tool.RunAsync("env", [$"PATH={SearchPath}", script], input: null, cancellationToken)).EnsureSuccess();

    /// <summary>Its exit status is for the caller to judge.</summary>
    public Task<CommandResult> TryAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken) => run(arguments, null, cancellationToken);

    /// <returns>What it printed, without the line break at the end.</returns>
    /// <exception cref="LabException">It failed; says what it said.</exception>
    public async Task<string> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        (await run(arguments, null, cancellationToken)).EnsureSuccess().Output.TrimEnd();

    // kubectl's own check of a manifest asks servers before 1.25 for what they do not have; the server checks anyway.
    public Task ApplyAsync(string folderOrFile, CancellationToken cancellationToken) =>
        RunAsync(["apply", Directory.Exists(folderOrFile) ? "-k" : "-f", folderOrFile, "--validate=false"], cancellationToken);

    /// <summary>Applies what is given as text.</summary>
    public async Task ApplyTextAsync(string manifest, CancellationToken cancellationToken) =>
        (await run(["apply", "-f", "-", "--validate=false"], manifest, cancellationToken)).EnsureSuccess();

    /// <summary>What <c>kubectl get</c> says of an object or a list, as JSON.</summary>
    public Task<JsonElement> GetAsync(IReadOnlyList<string> what, CancellationToken cancellationToken) => JsonAsync(["get", .. what], cancellationToken);

    /// <summary>What a command says when asked for JSON.</summary>
    public async Task<JsonElement> JsonAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        using var document = JsonDocument.Parse(await RunAsync([.. arguments, "-o", "json"], cancellationToken));
        return document.RootElement.Clone();
    }
}
