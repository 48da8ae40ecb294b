using System.Globalization;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Lab.Api;

namespace OnCache.Lab.Bench.Coherence;

/// <summary>A kind of event that voids the observed flow's verdict.</summary>
/// <param name="Causes">The agent's names for it.</param>
/// <param name="Prepare">What goes before the write that is timed.</param>
/// <param name="Write">The write that is timed.</param>
/// <param name="Restore">Back to where the next may begin.</param>
internal sealed record CoherenceEvent(
    string Name,
    IReadOnlyCollection<string> Causes,
    Func<CancellationToken, Task> Prepare,
    Func<CancellationToken, Task> Write,
    Func<CancellationToken, Task> Restore);

/// <summary>The kinds of events, done to a bed.</summary>
internal sealed class CoherenceEvents(CoherenceBed bed)
{
    private static readonly NamespacedName s_policy = new(CoherenceBed.Home, "affected");
    private ApiPod? successor;
    private int incarnations;
    private int changes;
    private int nodeChanges;
    private int ruleChanges;

    public IEnumerable<CoherenceEvent> All() =>
    [
        new("pod delete", ["PodDeleted"], Nothing, DeletePodAsync, CreatePodAsync),
        new("pod IP reuse", ["PodReplaced"], PrepareSuccessorAsync, AnnounceSuccessorAsync, ForgetPredecessorAsync),
        new("policy change", ["NetworkPolicyAdded", "NetworkPolicyChanged", "NetworkPolicyDeleted"], Nothing, ChangePolicyAsync, Nothing),
        // Nodes are known by their outer addresses: under another it is another node.
        new("host rule change", ["HostRulesChanged"], PrepareRulesAsync, ChangeRulesAsync, Nothing),
        new("node change", ["NodeRemoved", "NodeAddressChanged"], Nothing, ChangeNodeAsync, RestoreNodeAsync),
    ];

    // An address of the wire that nobody has.
    private const string Nowhere = "192.168.77.253";

    /// <summary>In turn: it goes, it has another address.</summary>
    private Task ChangeNodeAsync(CancellationToken cancellationToken) => (nodeChanges++ % 2) switch
    {
        0 => ForwardAsync("del", bed.Server.Node.Address.ToString(), cancellationToken),
        _ => ForwardAsync("replace", Nowhere, cancellationToken),
    };

    private static Task Nothing(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>The object goes; the sandbox sends on, as one does that ends slowly.</summary>
    private Task DeletePodAsync(CancellationToken cancellationToken) => bed.Lab.Pods.ForgetAsync(bed.Affected, cancellationToken);

    private async Task CreatePodAsync(CancellationToken cancellationToken)
    {
        await PrepareSuccessorAsync(cancellationToken);
        await AnnounceSuccessorAsync(cancellationToken);
        bed.Affected = successor!;
    }

    private async Task PrepareSuccessorAsync(CancellationToken cancellationToken)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"affected-{++incarnations}");
        successor = await bed.Lab.Pods.PrepareSuccessorAsync(
            bed.Affected.Sandbox, new NamespacedName(CoherenceBed.Home, name), CoherenceBed.Labels, cancellationToken);
    }

    private Task AnnounceSuccessorAsync(CancellationToken cancellationToken) => bed.Lab.Pods.AnnounceAsync(successor!, cancellationToken);

    private async Task ForgetPredecessorAsync(CancellationToken cancellationToken)
    {
        await bed.Lab.Pods.ForgetAsync(bed.Affected, cancellationToken);
        bed.Affected = successor!;
    }

    /// <summary>In turn: added, changed, deleted.</summary>
    public Task ChangePolicyAsync(CancellationToken cancellationToken) => (changes++ % 3) switch
    {
        0 => bed.Lab.Client.CreateAsync(Policy(1), cancellationToken),
        1 => ReplacePolicyAsync(cancellationToken),
        _ => DeletePolicyAsync(cancellationToken),
    };

    /// <summary>Whatever the last change was, none is left.</summary>
    public async Task DeletePolicyAsync(CancellationToken cancellationToken)
    {
        changes = 0;
        await bed.Lab.Client.DeleteAsync<V1NetworkPolicy>(s_policy, cancellationToken: cancellationToken);
    }

    private async Task ReplacePolicyAsync(CancellationToken cancellationToken) =>
        await bed.Lab.Client.PatchAsync<V1NetworkPolicy>(
            s_policy, new() { ["spec"] = new System.Text.Json.Nodes.JsonObject { ["policyTypes"] = new System.Text.Json.Nodes.JsonArray("Ingress", "Egress") } }, cancellationToken);

    private static V1NetworkPolicy Policy(int rules) => new()
    {
        Metadata = new V1ObjectMeta { NamespaceProperty = s_policy.Namespace, Name = s_policy.Name },
        Spec = new V1NetworkPolicySpec
        {
            PodSelector = new V1LabelSelector { MatchLabels = CoherenceBed.Labels.ToDictionary(StringComparer.Ordinal) },
            PolicyTypes = ["Ingress"],
            Ingress = [.. Enumerable.Repeat(new V1NetworkPolicyIngressRule(), rules)],
        },
    };

    /// <summary>A table of somebody's, without rules yet.</summary>
    private async Task PrepareRulesAsync(CancellationToken cancellationToken)
    {
        await RulesAsync("add table ip bench", cancellationToken);
        await RulesAsync("add chain ip bench forward { type filter hook forward priority 0 ; }", cancellationToken);
    }

    /// <summary>In turn: a rule that the flow meets comes, and goes. It only counts, so the flow may return.</summary>
    private Task ChangeRulesAsync(CancellationToken cancellationToken) => RulesAsync(
        ruleChanges++ % 2 == 0 ? $"add rule ip bench forward ip saddr {bed.Affected.Sandbox.Address} counter" : "flush chain ip bench forward", cancellationToken);

    private async Task RulesAsync(string command, CancellationToken cancellationToken) =>
        (await bed.Node.RunCommandAsync("nft", [command], cancellationToken)).EnsureSuccess();

    private Task RestoreNodeAsync(CancellationToken cancellationToken) => ForwardAsync("replace", bed.Server.Node.Address.ToString(), cancellationToken);

    /// <summary>What the CNI does to the tunnel's forwarding table.</summary>
    private async Task ForwardAsync(string verb, string address, CancellationToken cancellationToken) =>
        (await bed.Node.RunCommandAsync(
            "bridge", ["fdb", verb, bed.Server.Node.TunnelMac, "dev", bed.Node.TunnelDevice, "dst", address, "self"], cancellationToken)).EnsureSuccess();
}
