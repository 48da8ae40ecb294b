using System.Net;
using FsCheck;
using FsCheck.Fluent;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.NetworkPolicies;
using OnCache.Operator.Peers;

namespace OnCache.Operator.Tests.Peers;

/// <summary>Compares what is signalled with what policies allow, asked one by one.</summary>
public sealed class ClusterPeersProperties
{
    private static readonly IPAddress[] Addresses = [IPAddress.Parse("10.0.0.1"), IPAddress.Parse("10.0.0.2"), IPAddress.Parse("10.0.0.3")];

    private static readonly Gen<Event[]> Histories = Gen.ArrayOf(Gen.Frequency(
        (6, PeerSamples.Pods.Select(pod => new Event(pod, Home: null, IsGone: false))),
        (2, PeerSamples.Pods.Select(pod => new Event(pod, Home: null, IsGone: true))),
        (2, PeerSamples.Namespaces.Select(home => new Event(Pod: null, home, IsGone: false))),
        (1, PeerSamples.Namespaces.Select(home => new Event(Pod: null, home, IsGone: true)))));

    [Fact]
    public void Whoever_could_hold_a_verdict_that_is_no_longer_true_is_told()
    {
        var cases =
            from policies in PeerSamples.PolicySets
            from history in Histories
            select (policies, history);

        Prop.ForAll(cases.ToArbitrary(), item =>
        {
            var peers = new ClusterPeers();
            var world = new World(item.policies);
            foreach (var policy in item.policies)
            {
                peers.Set(policy);
            }

            foreach (var happened in item.history)
            {
                var before = world.Allowed();
                var losses = Apply(peers, happened);
                world.Apply(happened);
                var told = losses.SelectMany(loss => peers.NodesOf(loss.Policy)).ToHashSet(StringComparer.Ordinal);

                // A pod whose own labels changed is its own agent's business; so are its peers' verdicts about itself.
                var after = world.Allowed();
                if (before.Any(verdict => verdict.Subject != happened.Pod?.Metadata.Uid
                    && world.IsThere(verdict.Subject)
                    && !after.Contains(verdict)
                    && !told.Contains(verdict.Node)))
                {
                    return false;
                }
            }

            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    [Fact]
    public void Nothing_is_lost_when_nothing_changes() =>
        Prop.ForAll((from policies in PeerSamples.PolicySets from history in Histories select (policies, history)).ToArbitrary(), item =>
        {
            var peers = new ClusterPeers();
            foreach (var policy in item.policies)
            {
                peers.Set(policy);
            }

            return item.history.All(happened =>
            {
                _ = Apply(peers, happened);
                return Apply(peers, happened).Count == 0;
            });
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    private static IReadOnlyCollection<PeerLoss> Apply(ClusterPeers peers, Event happened) => happened switch
    {
        { Pod: { } pod, IsGone: true } => peers.Remove(pod),
        { Pod: { } pod } => peers.Set(pod),
        { Home: { } home, IsGone: true } => peers.Remove(home),
        _ => peers.Set(happened.Home!),
    };

    private sealed record Event(V1Pod? Pod, V1Namespace? Home, bool IsGone);

    private sealed record Verdict(string Subject, string Node, TrafficDirections Direction, IPAddress Address);

    /// <summary>The same cluster without any cleverness.</summary>
    private sealed class World(V1NetworkPolicy[] policies)
    {
        private readonly Dictionary<string, V1Pod> _pods = new(StringComparer.Ordinal);
        private readonly Dictionary<string, V1Namespace> _homes = new(StringComparer.Ordinal);

        public void Apply(Event happened)
        {
            if (happened.Pod is { } pod)
            {
                _ = happened.IsGone ? _pods.Remove(pod.Metadata.Uid!) : (_pods[pod.Metadata.Uid!] = pod) is not null;
            }
            else
            {
                _ = happened.IsGone ? _homes.Remove(happened.Home!.Metadata.Name!) : (_homes[happened.Home!.Metadata.Name!] = happened.Home) is not null;
            }
        }

        public bool IsThere(string uid) => Live().Any(pod => pod.Metadata.Uid == uid);

        /// <summary>For each pod, the addresses it may talk to in each direction.</summary>
        public HashSet<Verdict> Allowed() =>
        [
            .. from subject in Live()
               from direction in new[] { TrafficDirections.Ingress, TrafficDirections.Egress }
               from address in Addresses
               where PolicyEvaluator.Allows(policies, View(subject), direction, new TrafficEnd(address, At(address)), new TrafficPort("TCP", 80))
               select new Verdict(subject.Metadata.Uid!, subject.Spec.NodeName!, direction, address),
        ];

        private IEnumerable<V1Pod> Live() => _pods.Values.Where(pod => pod is { Spec.HostNetwork: false, Status.Phase: "Running" });

        private PolicyPod? At(IPAddress address) => Live()
            .Where(pod => pod.Status.PodIP == address.ToString())
            .OrderByDescending(pod => pod.Metadata.CreationTimestamp)
            .Select(View)
            .FirstOrDefault();

        private PolicyPod View(V1Pod pod) => new(
            NamespacedName.Of(pod),
            pod.Metadata.Labels!,
            _homes.GetValueOrDefault(pod.Metadata.NamespaceProperty!)?.Metadata.Labels ?? new Dictionary<string, string>(StringComparer.Ordinal));
    }
}
