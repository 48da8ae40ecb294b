using System.Net;
using System.Text.Json;

namespace OnCache.Lab.Demo.Cluster;

/// <summary>The demonstration in a cluster that is somebody's: asks first, keeps to a namespace of its own, and takes away what it made.</summary>
internal sealed class UserClusterDemo(UserClusterOptions options, Kubectl kubectl, DemoConsole screen)
{
    private const string PolicyName = "oncache-demo";

    // Whoever answers no, or interrupts, is not kept waiting for ever by a cluster that does not answer.
    private static readonly TimeSpan CleanUpLimit = TimeSpan.FromMinutes(10);
    private readonly OnCacheInstallation installation = new(kubectl, options.Manifests);

    /// <summary>Exit status 0, or 1 when the answer was no; whatever was not shown is an exception.</summary>
    /// <exception cref="LabException">The cluster cannot be used, a step failed, or the fast path was not taken.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var config = await kubectl.JsonAsync(["config", "view", "--minify"], cancellationToken);
        screen.Say($"context: {config.GetProperty("current-context").GetString()}");
        screen.Say($"server:  {config.GetProperty("clusters")[0].GetProperty("cluster").GetProperty("server").GetString()}");
        screen.Say(await kubectl.RunAsync(["get", "nodes"], cancellationToken));
        var places = ChoosePlaces(await kubectl.GetAsync(["nodes"], cancellationToken));
        var present = await installation.IsPresentAsync(cancellationToken);
        await RequireUnusedAsync("namespace", TrafficPods.Namespace, cancellationToken);
        if (present)
        {
            await RequireUnusedAsync("overlaycachepolicy", PolicyName, cancellationToken);
        }

        screen.Say("");
        screen.Say("This will, in that cluster:");
        screen.Say(present
            ? $"- use the OnCache that is installed in the namespace {OnCacheInstallation.Namespace}, and leave it"
            : $"- install OnCache (kubectl apply -k {options.Manifests})" + (options.Keep ? ", and leave it" : ", and remove it at the end"));
        screen.Say($"- run traffic between pods on {places.Client} and {places.Server}, in the namespace {TrafficPods.Namespace}");
        screen.Say($"- apply {options.Policy}, which accelerates that namespace and no other");
        screen.Say("- remove namespace and policy again");
        screen.Say($"The nodes need the images of oncache-agent, oncache-operator and oncache-lab: {OnCacheInstallation.ImageHint}.");
        if (!options.Yes && !Confirm())
        {
            screen.Say("nothing was changed");
            return 1;
        }

        try
        {
            await ShowAsync(places, install: !present, cancellationToken);
        }
        finally
        {
            using var limit = new CancellationTokenSource(CleanUpLimit);
            await CleanUpAsync(remove: !present && !options.Keep, limit.Token);
        }

        screen.Step("done");
        return 0;
    }

    private async Task ShowAsync(TrafficPlaces places, bool install, CancellationToken cancellationToken)
    {
        var pods = new TrafficPods(kubectl, places);
        if (install)
        {
            screen.Step($"kubectl apply -k {options.Manifests}");
            await installation.ApplyAsync(cancellationToken);
        }

        await pods.ApplyAsync(cancellationToken);
        await installation.WaitAsync(screen, cancellationToken);
        await pods.WaitAsync(screen, cancellationToken);
        var policy = new DemoPolicy(PolicyName, options.Policy, options.Policy);
        await new BeforeAndAfter(kubectl, installation, pods, places, policy, screen).RunAsync(options.Rounds, cancellationToken);
    }

    /// <summary>Removes what may be there, in whatever state the demonstration ended.</summary>
    private async Task CleanUpAsync(bool remove, CancellationToken cancellationToken)
    {
        screen.Step($"removing policy {PolicyName} and namespace {TrafficPods.Namespace}");
        if (await installation.IsPresentAsync(cancellationToken))
        {
            await kubectl.RunAsync(["delete", "overlaycachepolicy", PolicyName, "--ignore-not-found", "--timeout=150s"], cancellationToken);
        }

        await kubectl.RunAsync(["delete", "namespace", TrafficPods.Namespace, "--ignore-not-found", "--timeout=180s"], cancellationToken);
        if (remove)
        {
            screen.Step("removing OnCache, from the nodes too");
            await Kubectl.RunScriptAsync(options.Removal, cancellationToken);
        }
    }

    private async Task RequireUnusedAsync(string kind, string name, CancellationToken cancellationToken)
    {
        if ((await kubectl.RunAsync(["get", kind, name, "--ignore-not-found", "-o", "name"], cancellationToken)).Length > 0)
        {
            throw new LabException($"{kind} {name} exists already, which this would make and delete: remove it with 'kubectl delete {kind} {name}'");
        }
    }

    private static bool Confirm()
    {
        Console.Write("Go on? [y/N] ");
        return Console.ReadLine()?.Trim() is "y" or "Y" or "yes";
    }

    /// <summary>The first two nodes that can run the pods.</summary>
    /// <exception cref="LabException">There are not two.</exception>
    internal static TrafficPlaces ChoosePlaces(JsonElement nodes)
    {
        var usable = nodes.GetProperty("items").EnumerateArray().Where(IsUsable).Take(2).ToArray();
        return usable.Length == 2
            ? new TrafficPlaces(NameOf(usable[0]), NameOf(usable[1]), AddressOf(usable[1]), Core: 0)
            : throw new LabException($"the cluster has {usable.Length} nodes that are Linux on amd64, Ready and schedulable; the demonstration needs two");
    }

    private static bool IsUsable(JsonElement node)
    {
        var (spec, status) = (node.GetProperty("spec"), node.GetProperty("status"));
        var system = status.GetProperty("nodeInfo");
        return system.GetProperty("operatingSystem").GetString() == "linux"
            && system.GetProperty("architecture").GetString() == "amd64"
            && !(spec.TryGetProperty("unschedulable", out var closed) && closed.GetBoolean())
            && !(spec.TryGetProperty("taints", out var taints)
                && taints.EnumerateArray().Any(taint => taint.GetProperty("effect").GetString() is "NoSchedule" or "NoExecute"))
            && status.GetProperty("conditions").EnumerateArray()
                .Any(condition => condition.GetProperty("type").GetString() == "Ready" && condition.GetProperty("status").GetString() == "True");
    }

    private static string NameOf(JsonElement node) => node.GetProperty("metadata").GetProperty("name").GetString()!;

    private static IPAddress AddressOf(JsonElement node) => IPAddress.Parse(node.GetProperty("status").GetProperty("addresses").EnumerateArray()
        .First(address => address.GetProperty("type").GetString() == "InternalIP").GetProperty("address").GetString()!);
}
