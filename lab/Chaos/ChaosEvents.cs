using System.Globalization;
using System.Net;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Lab.Api;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Chaos;

/// <summary>What happens to the lab: chosen at random, carried out one after another, and told to model, oracle and log.</summary>
internal sealed class ChaosEvents : IAsyncDisposable
{
    private const int MaxPolicies = 4;

    // What a run is stopped at: more would say the same again.
    private const int EnoughViolations = 20;
    private static readonly string[] Homes = ["red", "blue"];

    // What the kernel may say to the calls by which agents reach it: bpf(2), netlink, files.
    private static readonly (string Calls, string Error)[] Refusals =
    [
        .. from error in (string[])["ENOMEM", "EPERM", "EINTR", "EBUSY", "ENOSPC", "EEXIST", "ENODEV", "E2BIG", "EAGAIN"] select ("bpf", error),
        .. from error in (string[])["ENOBUFS", "ENOMEM", "EINTR", "EPERM"] from calls in (string[])["sendto", "recvfrom,recvmsg"] select (calls, error),
        .. from error in (string[])["EMFILE", "EACCES", "ENOENT"] select ("openat", error),
    ];

    // An agent whose watches were cut comes back to them in steps of its own.
    private static readonly TimeSpan Reconnect = TimeSpan.FromSeconds(20);
    private readonly ChaosOptions options;
    private readonly ApiLab lab;
    private readonly Enforcement enforcement;
    private readonly Oracle oracle;
    private readonly ChaosLog log;
    private readonly TrafficTally tally;
    private readonly IReadOnlyList<IPAddress> places;
    private readonly Random random;
    private readonly (string Kind, int Weight, Func<CancellationToken, Task> Run)[] table;
    private readonly Dictionary<string, PodTraffic> traffic = new(StringComparer.Ordinal);
    private readonly HashSet<string> busy = new(StringComparer.Ordinal);
    private readonly List<Task> background = [];
    private readonly List<ApiPod> leftOver = [];
    private readonly SortedDictionary<string, int> counts = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource stop = new();
    private int serial;

    public ChaosEvents(
        ChaosOptions options,
        ApiLab lab,
        Enforcement enforcement,
        Oracle oracle,
        ChaosLog log,
        TrafficTally tally,
        IReadOnlyList<IPAddress> places,
        Random random)
    {
        this.options = options;
        this.lab = lab;
        this.enforcement = enforcement;
        this.oracle = oracle;
        this.log = log;
        this.tally = tally;
        this.places = places;
        this.random = random;
        table =
        [
            ("pod-replaced", 4, ReplacePodAsync),
            ("pod-completed", 2, CompletePodAsync),
            ("pod-labels", 3, LabelPodAsync),
            ("namespace-labels", 1, LabelNamespaceAsync),
            ("policy-added", 5, AddPolicyAsync),
            ("policy-changed", 3, ChangePolicyAsync),
            ("policy-deleted", 4, DeletePolicyAsync),
            ("agent-killed", 1, KillAgentAsync),
            ("agent-held", 1, HoldAgentAsync),
            ("agent-refused", 2, RefuseCallsAsync),
            ("agent-flushed", 1, FlushAsync),
            ("operator-restarted", 1, RestartOperatorAsync),
            ("api-restarted", 1, RestartApiAsync),
            ("api-cut", 2, CutApiAsync),
            ("veth-flap", 1, FlapVethAsync),
            ("bridge-flap", 1, FlapBridgeAsync),
            ("neighbour-deleted", 1, DeleteNeighbourAsync),
            ("fdb-deleted", 1, DeleteForwardingAsync),
            ("rule-drops", 4, DropByRuleAsync),
            ("rule-watches", 2, WatchByRuleAsync),
        ];
    }

    /// <summary>How often each kind happened.</summary>
    public IReadOnlyDictionary<string, int> Counts => counts;

    public FlushLatency Latency { get; } = new();

    /// <summary>Packets on the fast path.</summary>
    public long Hits { get; private set; }

    /// <summary>Namespaces, and a pod at each place.</summary>
    public async Task PopulateAsync(CancellationToken cancellationToken)
    {
        foreach (var home in Homes)
        {
            var labels = Team();
            await lab.CreateNamespaceAsync(home, labels, cancellationToken);
            enforcement.Update(model => model.With(home, labels), new Change(log.Now, log.Now, Node: null, $"namespace {home}"));
        }

        foreach (var node in lab.Overlay.Nodes)
        {
            for (var pod = 0; pod < options.Pods; pod++)
            {
                await AddPodAsync(node, cancellationToken);
            }
        }
    }

    /// <summary>Lets things happen until the time is over. The first is a policy that isolates a namespace.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (options.Sabotage)
        {
            foreach (var agent in lab.Agents)
            {
                agent.Gate.Cut();
            }
        }

        var until = log.Now + options.Duration;
        await PutPolicyAsync(PolicyMaker.Isolation(Homes[0], "isolated"), "policy-added", cancellationToken);
        while (log.Now < until && log.Violations.Count < EnoughViolations)
        {
            // Now and then long enough for everything to be on the fast path again.
            var calm = random.Next(4) == 0 ? options.Settle + TimeSpan.FromSeconds(random.NextDouble() * 8) : TimeSpan.FromSeconds(random.NextDouble() * 4);
            await Task.Delay(calm, cancellationToken);
            var draw = random.Next(table.Sum(entry => entry.Weight));
            var chosen = table.First(entry => (draw -= entry.Weight) < 0);
            await chosen.Run(cancellationToken);
            background.RemoveAll(static task => task.IsCompletedSuccessfully);
            if (background.Find(static task => task.IsFaulted) is { } failed)
            {
                await failed;
            }
        }

        log.Event("the time is over");
    }

    /// <summary>Adds up what the living agents have counted.</summary>
    public async Task CountAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(background);
        foreach (var agent in lab.Agents)
        {
            await CountAsync(agent, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(background).ContinueWith(static _ => { }, TaskScheduler.Default);
        foreach (var one in traffic.Values)
        {
            await one.DisposeAsync();
        }

        stop.Dispose();
    }

    private async Task AddPodAsync(LabNode node, CancellationToken cancellationToken)
    {
        var home = Homes[random.Next(Homes.Length)];
        var labels = new Dictionary<string, string>(StringComparer.Ordinal) { [PolicyMaker.RoleLabel] = PolicyMaker.Role(random) };
        var name = new NamespacedName(home, string.Create(CultureInfo.InvariantCulture, $"pod-{++serial}"));
        var written = log.Now;
        var pod = await lab.Pods.CreateAsync(node, name, labels, cancellationToken);
        var text = $"pod {pod} {pod.Uid} came, role {labels[PolicyMaker.RoleLabel]}";
        log.Event(text);
        enforcement.Update(model => model.With(new ModelPod(pod, labels)), new Change(written, log.Now, node.Name, text));

        // A CNI lets a pod begin when its rules are in place.
        await enforcement.ApplyAsync(cancellationToken);
        traffic[pod.Uid] = PodTraffic.Start(pod, places, random.Next(), oracle, log, tally);
    }

    private async Task ReplacePodAsync(CancellationToken cancellationToken)
    {
        var pod = Count("pod-replaced", AnyPod());
        var written = log.Now;
        oracle.Gone(pod.Uid, written);
        await lab.Pods.BeginDeleteAsync(pod, cancellationToken);
        enforcement.Update(model => model.Without(pod), new Change(written, log.Now, pod.Node.Name, $"pod {pod} {pod.Uid} goes"));
        await Task.Delay(Within(0, 500), cancellationToken);
        await EndSandboxAsync(pod, () => ApiPods.EndSandboxAsync(pod, cancellationToken));
        var isLate = random.Next(2) == 0;
        if (!isLate)
        {
            await lab.Pods.ForgetAsync(pod, cancellationToken);
        }

        await AddPodAsync(pod.Node, cancellationToken);
        if (isLate)
        {
            await lab.Pods.ForgetAsync(pod, cancellationToken);
        }
    }

    /// <summary>Its object stays, with the address that the next one gets, until a later event.</summary>
    private async Task CompletePodAsync(CancellationToken cancellationToken)
    {
        var pod = Count("pod-completed", AnyPod());
        var written = log.Now;
        oracle.Gone(pod.Uid, written);
        await EndSandboxAsync(pod, () => lab.Pods.CompleteAsync(pod, cancellationToken));
        enforcement.Update(model => model.Without(pod), new Change(written, log.Now, pod.Node.Name, $"pod {pod} {pod.Uid} completed"));
        await AddPodAsync(pod.Node, cancellationToken);
        foreach (var old in leftOver)
        {
            await lab.Pods.ForgetAsync(old, cancellationToken);
        }

        leftOver.Clear();
        leftOver.Add(pod);
    }

    private async Task EndSandboxAsync(ApiPod pod, Func<Task> end)
    {
        log.Event($"pod {pod} {pod.Uid} ends");
        _ = traffic.Remove(pod.Uid, out var talk);
        if (random.Next(2) == 0)
        {
            await talk!.DisposeAsync();
            await end();
        }
        else
        {
            await end();
            await talk!.DisposeAsync();
        }
    }

    private async Task LabelPodAsync(CancellationToken cancellationToken)
    {
        var pod = Count("pod-labels", AnyPod());
        var labels = new Dictionary<string, string>(StringComparer.Ordinal) { [PolicyMaker.RoleLabel] = PolicyMaker.Role(random) };
        await ChangeAsync(
            $"pod {pod} {pod.Uid} role {labels[PolicyMaker.RoleLabel]}",
            pod.Node.Name,
            () => lab.Pods.LabelAsync(pod, Nullable(labels), cancellationToken),
            model => model.With(new ModelPod(pod, labels)));
    }

    private async Task LabelNamespaceAsync(CancellationToken cancellationToken)
    {
        var home = Count("namespace-labels", Homes[random.Next(Homes.Length)]);
        var labels = Team();
        await ChangeAsync(
            $"namespace {home} team {labels[PolicyMaker.TeamLabel]}",
            null,
            () => lab.LabelNamespaceAsync(home, Nullable(labels), cancellationToken),
            model => model.With(home, labels));
    }

    private Task AddPolicyAsync(CancellationToken cancellationToken)
    {
        if (enforcement.Model.Policies.Count >= MaxPolicies)
        {
            return DeletePolicyAsync(cancellationToken);
        }

        var name = string.Create(CultureInfo.InvariantCulture, $"policy-{++serial}");
        return PutPolicyAsync(PolicyMaker.Create(Homes[random.Next(Homes.Length)], name, random), "policy-added", cancellationToken);
    }

    private Task ChangePolicyAsync(CancellationToken cancellationToken)
    {
        if (AnyPolicy() is not { } old)
        {
            return AddPolicyAsync(cancellationToken);
        }

        return PutPolicyAsync(PolicyMaker.Create(old.Namespace!, old.Name, random), "policy-changed", cancellationToken);
    }

    private async Task PutPolicyAsync(V1NetworkPolicy policy, string kind, CancellationToken cancellationToken)
    {
        Count(kind, policy);
        await ChangeAsync(
            $"{kind} {NamespacedName.Of(policy)}",
            null,
            () => kind == "policy-added" ? lab.Client.CreateAsync(policy, cancellationToken) : lab.Client.UpdateAsync(policy, cancellationToken),
            model => model.With(policy));
    }

    private async Task DeletePolicyAsync(CancellationToken cancellationToken)
    {
        if (AnyPolicy() is { } policy)
        {
            Count("policy-deleted", policy);
            await ChangeAsync(
                $"policy-deleted {policy}", null, () => lab.Client.DeleteAsync<V1NetworkPolicy>(policy, cancellationToken: cancellationToken), model => model.Without(policy));
        }
    }

    private async Task KillAgentAsync(CancellationToken cancellationToken)
    {
        if (Reserve() is not { } agent)
        {
            return;
        }

        Count("agent-killed", agent);
        await CountAsync(agent, cancellationToken);
        var disturbance = oracle.Disturb(agent.Node.Name, log.Now);
        log.Event($"agent of {agent.Node.Name} is killed");
        log.Attach($"agent of {agent.Node.Name}", agent.Log);
        await agent.KillAsync(cancellationToken);
        var pause = Within(0, 8000);
        Later(agent, async cancellation =>
        {
            await Task.Delay(pause, cancellation);
            agent.Start();
            await agent.WaitReadyAsync(cancellation);
            log.Event($"agent of {agent.Node.Name} is ready again");
            oracle.Settle(agent.Node.Name, disturbance, log.Now);
        });
    }

    private Task HoldAgentAsync(CancellationToken cancellationToken)
    {
        if (Reserve() is { } agent)
        {
            Count("agent-held", agent);
            var disturbance = oracle.Disturb(agent.Node.Name, log.Now);
            log.Event($"agent of {agent.Node.Name} is held");
            agent.Hold();
            var pause = Within(500, 12000);
            Later(agent, async cancellation =>
            {
                try
                {
                    await Task.Delay(pause, cancellation);
                }
                finally
                {
                    agent.Release();
                }

                log.Event($"agent of {agent.Node.Name} is released");

                // Its connections may have been given up meanwhile.
                await Task.Delay(Reconnect, cancellation);
                oracle.Settle(agent.Node.Name, disturbance, log.Now);
            });
        }

        return Task.CompletedTask;
    }

    /// <summary>The kernel refuses some of the agent's calls for a while.</summary>
    private async Task RefuseCallsAsync(CancellationToken cancellationToken)
    {
        if (Reserve() is not { } agent)
        {
            return;
        }

        var (calls, error) = Count("agent-refused", Refusals[random.Next(Refusals.Length)]);
        var (every, pause) = (random.Next(1, 20), Within(200, 5000));
        await CountAsync(agent, cancellationToken);
        var disturbance = oracle.Disturb(agent.Node.Name, log.Now);
        log.Event(string.Create(CultureInfo.InvariantCulture, $"agent of {agent.Node.Name}: one of {every} calls of {calls} is refused by {error}"));
        log.Attach($"agent of {agent.Node.Name}", agent.Log);
        Later(agent, async cancellation =>
        {
            await using (await agent.RefuseAsync(calls, error, every, cancellation))
            {
                await Task.Delay(pause, cancellation);
            }

            log.Event($"agent of {agent.Node.Name}: nothing is refused any more");

            // It may end a moment later over what was.
            await Task.Delay(Reconnect, cancellation);
            await agent.ReviveAsync(cancellation);
            log.Event($"agent of {agent.Node.Name} is ready");
            oracle.Settle(agent.Node.Name, disturbance, log.Now);
        });
    }

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (Reserve() is { } agent)
        {
            Count("agent-flushed", agent);
            log.Event($"agent of {agent.Node.Name} flushes");
            await agent.FlushAsync(cancellationToken);
            _ = busy.Remove(agent.Node.Name);
        }
    }

    private async Task RestartOperatorAsync(CancellationToken cancellationToken)
    {
        var isKill = Count("operator-restarted", random.Next(2) == 0);
        log.Event($"operator is {(isKill ? "killed" : "stopped")} and started");
        await (isKill ? lab.Operator.KillAsync(cancellationToken) : lab.Operator.StopAsync(cancellationToken));
        lab.Operator.Start();
    }

    private async Task RestartApiAsync(CancellationToken cancellationToken)
    {
        var isKill = Count("api-restarted", random.Next(2) == 0);
        var disturbances = lab.Agents.Select(agent => (agent.Node.Name, Number: oracle.Disturb(agent.Node.Name, log.Now))).ToArray();
        log.Event($"API server is {(isKill ? "killed" : "stopped")}");
        await (isKill ? lab.Api.KillApiServerAsync(cancellationToken) : lab.Api.StopApiServerAsync(cancellationToken: cancellationToken));
        await Task.Delay(Within(0, 5000), cancellationToken);
        await lab.Api.StartApiServerAsync(cancellationToken);
        log.Event("API server is back");
        Later(null, async cancellation =>
        {
            await Task.Delay(Reconnect, cancellation);
            foreach (var (node, number) in disturbances)
            {
                oracle.Settle(node, number, log.Now);
            }
        });
    }

    private Task CutApiAsync(CancellationToken cancellationToken)
    {
        if (Reserve() is { } agent)
        {
            Count("api-cut", agent);
            var disturbance = oracle.Disturb(agent.Node.Name, log.Now);
            log.Event($"agent of {agent.Node.Name} is cut off the API");
            agent.Gate.Cut();
            var pause = Within(1000, (int)(options.Lease.TotalMilliseconds * 2));
            Later(agent, async cancellation =>
            {
                await Task.Delay(pause, cancellation);
                if (!options.Sabotage)
                {
                    agent.Gate.Restore();
                }

                log.Event($"agent of {agent.Node.Name} may reach the API again");
                await Task.Delay(Reconnect, cancellation);
                oracle.Settle(agent.Node.Name, disturbance, log.Now);
            });
        }

        return Task.CompletedTask;
    }

    private Task FlapVethAsync(CancellationToken cancellationToken)
    {
        var pod = Count("veth-flap", AnyPod());
        return FlapAsync(pod.Node, pod.Sandbox.HostInterface, cancellationToken);
    }

    private Task FlapBridgeAsync(CancellationToken cancellationToken)
    {
        var node = Count("bridge-flap", AnyNode());
        return FlapAsync(node, node.BridgeDevice, cancellationToken);
    }

    private Task FlapAsync(LabNode node, string device, CancellationToken cancellationToken) => BreakAsync(
        node, "ip", $"link set {device} down", $"link set {device} up", cancellationToken);

    private Task DeleteNeighbourAsync(CancellationToken cancellationToken)
    {
        var (node, peer) = Count("neighbour-deleted", Neighbours());
        var entry = $"{peer.PodCidr.BaseAddress} lladdr {peer.TunnelMac} dev {node.TunnelDevice}";
        return BreakAsync(
            node, "ip", $"neighbour delete {peer.PodCidr.BaseAddress} dev {node.TunnelDevice}", $"neighbour replace {entry} nud permanent", cancellationToken);
    }

    private Task DeleteForwardingAsync(CancellationToken cancellationToken)
    {
        var (node, peer) = Count("fdb-deleted", Neighbours());
        var entry = $"{peer.TunnelMac} dev {node.TunnelDevice} dst {peer.Address} self";
        return BreakAsync(node, "bridge", $"fdb delete {entry}", $"fdb append {entry} permanent", cancellationToken);
    }

    /// <summary>Somebody adds a rule by hand that drops what one pod sends to another, and takes it away when its bound is well over.</summary>
    private async Task DropByRuleAsync(CancellationToken cancellationToken)
    {
        var (source, destination) = (AnyPod(), AnyPod());
        if (source.Node == destination.Node)
        {
            return;
        }

        var node = random.Next(2) == 0 ? source.Node : destination.Node;
        var rule = HostRuleMaker.Drop(random, $"chaos{++serial}", source.Sandbox.Address, destination.Sandbox.Address);
        _ = Count("rule-drops", node);
        oracle.Shake(log.Now);
        await PerformAsync(node, rule.Add, cancellationToken);
        var denial = new RuleDenial(source.Uid, destination.Uid, log.Now, rule.Bound, node.Name, $"{rule.Kind} rule");
        oracle.DenyByRule(denial);
        log.Event($"{node.Name}: {rule.Kind} drops {source.Sandbox.Address} to {destination.Sandbox.Address}");
        await Task.Delay(rule.Bound + options.Allowance + Within(500, 4000), cancellationToken);
        oracle.AllowByRule(denial);
        await PerformAsync(node, rule.Remove, cancellationToken);

        // An address may have passed to another pod meanwhile, of which the rule knew nothing.
        oracle.Shake(log.Now);
        log.Event($"{node.Name}: {rule.Kind} drops no longer");
    }

    /// <summary>Somebody adds a rule that has to see every packet, and takes it away.</summary>
    private async Task WatchByRuleAsync(CancellationToken cancellationToken)
    {
        var pod = Count("rule-watches", AnyPod());
        var rule = HostRuleMaker.Watch(random, $"chaos{++serial}", pod.Sandbox.Address);
        await PerformAsync(pod.Node, rule.Add, cancellationToken);
        log.Event($"{pod.Node.Name}: {rule.Kind} sees all of {pod.Sandbox.Address}");
        await Task.Delay(Within(500, 5000), cancellationToken);
        await PerformAsync(pod.Node, rule.Remove, cancellationToken);
    }

    private static async Task PerformAsync(LabNode node, IReadOnlyList<string> commands, CancellationToken cancellationToken)
    {
        foreach (var command in commands)
        {
            var words = command.Split(' ');
            (await node.RunCommandAsync(words[0], words[1..], cancellationToken)).EnsureSuccess();
        }
    }

    /// <summary>The plain overlay suffers from it just as much; a CNI repairs it soon.</summary>
    private async Task BreakAsync(LabNode node, string program, string worse, string better, CancellationToken cancellationToken)
    {
        log.Event($"{node.Name}: {program} {worse}");
        (await node.RunCommandAsync(program, worse.Split(' '), cancellationToken)).EnsureSuccess();
        await Task.Delay(Within(50, 800), cancellationToken);
        (await node.RunCommandAsync(program, better.Split(' '), cancellationToken)).EnsureSuccess();
        oracle.Shake(log.Now);
        log.Event($"{node.Name}: {program} {better}");
    }

    /// <summary>A change of what verdicts depend on; the CNI follows at a moment that nobody else sees, well within the settle time.</summary>
    private async Task ChangeAsync(string text, string? node, Func<Task> write, Func<ClusterModel, ClusterModel> update)
    {
        var written = log.Now;
        log.Event(text);
        await write();
        enforcement.Update(update, new Change(written, log.Now, node, text));
        var delay = Within(0, (int)(options.Settle.TotalMilliseconds / 2));
        Later(null, async cancellation =>
        {
            await Task.Delay(delay, cancellation);
            await enforcement.ApplyAsync(cancellation);
        });
    }

    private async Task CountAsync(ApiAgent agent, CancellationToken cancellationToken)
    {
        Latency.Add(await agent.MetricsAsync(cancellationToken));
        Hits += (await agent.StatusAsync(cancellationToken)).Hits;
    }

    private void Later(ApiAgent? reserved, Func<CancellationToken, Task> work) => background.Add(Task.Run(async () =>
    {
        await work(stop.Token);
        if (reserved is not null)
        {
            lock (busy)
            {
                _ = busy.Remove(reserved.Node.Name);
            }
        }
    }));

    /// <summary>An agent to which nothing is being done; null when the one that was drawn is not such.</summary>
    private ApiAgent? Reserve()
    {
        var agent = lab.Agents[random.Next(lab.Agents.Count)];
        lock (busy)
        {
            return busy.Add(agent.Node.Name) ? agent : null;
        }
    }

    private ApiPod AnyPod()
    {
        var pods = enforcement.Model.Pods.Values.OrderBy(pod => pod.Pod.Sandbox.Name, StringComparer.Ordinal).ToArray();
        return pods[random.Next(pods.Length)].Pod;
    }

    private NamespacedName? AnyPolicy()
    {
        var policies = enforcement.Model.Policies.Keys.OrderBy(name => name.ToString(), StringComparer.Ordinal).ToArray();
        return policies.Length == 0 ? null : policies[random.Next(policies.Length)];
    }

    private LabNode AnyNode() => lab.Overlay.Nodes[random.Next(lab.Overlay.Nodes.Count)];

    private (LabNode Node, LabNode Peer) Neighbours()
    {
        var nodes = lab.Overlay.Nodes;
        var node = random.Next(nodes.Count);
        return (nodes[node], nodes[(node + 1 + random.Next(nodes.Count - 1)) % nodes.Count]);
    }

    private Dictionary<string, string> Team() => new(StringComparer.Ordinal) { [PolicyMaker.TeamLabel] = PolicyMaker.Team(random) };

    private TimeSpan Within(int least, int most) => TimeSpan.FromMilliseconds(random.Next(least, most));

    private T Count<T>(string kind, T subject)
    {
        counts[kind] = counts.GetValueOrDefault(kind) + 1;
        return subject;
    }

    private static Dictionary<string, string?> Nullable(Dictionary<string, string> labels) =>
        labels.ToDictionary(entry => entry.Key, entry => (string?)entry.Value, StringComparer.Ordinal);
}
