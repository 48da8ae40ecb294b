using System.Diagnostics;
using System.Text.Json.Nodes;
using OnCache.EndToEnd.Fixture;
using OnCache.Lab;

namespace OnCache.EndToEnd.Cluster;

/// <summary>The policy that a test applies, changes and deletes; what is left of it goes with the test.</summary>
internal sealed class TrialPolicy(InstalledCluster cluster) : IAsyncDisposable
{
    public const string Name = "trial";

    /// <summary>Applies it with this spec, in JSON or YAML of one line.</summary>
    public Task ApplyAsync(string spec) => cluster.ApplyAsync($$"""
        apiVersion: oncache.io/v1alpha1
        kind: OverlayCachePolicy
        metadata: { name: {{Name}} }
        spec: {{spec}}
        """);

    /// <summary>Applies it and waits until the operator has judged it and no node has to follow any more.</summary>
    public async Task SettleAsync(string spec)
    {
        await ApplyAsync(spec);
        await Eventually.ReadsAsync(
            async () => JsonNode.Parse(await cluster.KubectlAsync("get", "ocp", Name, "-o", "json"))!,
            static policy => policy["status"]?["observedGeneration"]?.GetValue<long>() == policy["metadata"]!["generation"]!.GetValue<long>()
                && !policy["status"]!["conditions"]!.AsArray().Any(static condition => condition!["type"]!.GetValue<string>() == "Reconciling"),
            $"policy {Name} settled with {spec}",
            Eventually.Sparing);
    }

    /// <summary>Deletes it; that ends when it is gone, which agents may not have heard of yet.</summary>
    public async Task DeleteAsync() => await cluster.KubectlAsync("delete", "ocp", Name, Liveness.KubectlTimeout);

    /// <summary>Does something and waits for its effect; how long both took is told in the test's output, not judged.</summary>
    public static async Task TimedAsync(string what, Func<Task> act, Func<Task> effect)
    {
        var started = Stopwatch.GetTimestamp();
        await act();
        var acted = Stopwatch.GetElapsedTime(started);
        await effect();
        TestContext.Current.TestOutputHelper!.WriteLine(
            FormattableString.Invariant($"{what}: {Stopwatch.GetElapsedTime(started).TotalMilliseconds:F0} ms to the effect, of which kubectl took {acted.TotalMilliseconds:F0}"));
    }

    public async ValueTask DisposeAsync() => await cluster.UndoAsync("delete", "ocp", Name, "--ignore-not-found", Liveness.KubectlTimeout);
}
