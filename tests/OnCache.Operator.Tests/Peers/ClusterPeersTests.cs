using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Operator.Peers;

namespace OnCache.Operator.Tests.Peers;

public sealed class ClusterPeersTests
{
    private static readonly PeerLoss Lost = new(new NamespacedName("shop", "db"), PeerCause.PodGone);
    private readonly ClusterPeers _peers = new();

    public ClusterPeersTests()
    {
        _peers.Set(PeerSamples.Policy("shop/db", new V1NetworkPolicySpec
        {
            PodSelector = Selector("db"),
            Ingress = [new V1NetworkPolicyIngressRule { FromProperty = [new V1NetworkPolicyPeer { NamespaceSelector = Team("a"), PodSelector = Selector("web") }] }],
        }));
        _peers.Set(PeerSamples.Policy("shop/closed", new V1NetworkPolicySpec { PodSelector = new V1LabelSelector(), PolicyTypes = ["Ingress"] }));
        _peers.Set(Namespace("bank", "a")).ShouldBeEmpty();
        _peers.Set(PeerSamples.Pod("shop/db1", "n1", "10.0.1.1", Labels("db"))).ShouldBeEmpty();
        _peers.Set(PeerSamples.Pod("shop/db2", "n2", "10.0.2.1", Labels("db"))).ShouldBeEmpty();
        _peers.Set(PeerSamples.Pod("shop/other3", "n3", "10.0.3.1", Labels("other"))).ShouldBeEmpty();
        _peers.Set(Web("web")).ShouldBeEmpty();
    }

    [Fact]
    public void A_policy_concerns_the_nodes_of_the_pods_it_selects()
    {
        _peers.NodesOf(Lost.Policy).ShouldBe(["n1", "n2"], ignoreOrder: true);
        _peers.NodesOf(new NamespacedName("shop", "closed")).ShouldBeEmpty("it depends on nobody's labels");
        _peers.ConcernedNodes().ShouldBe(["n1", "n2"], ignoreOrder: true);
    }

    [Fact]
    public void A_label_that_a_clause_asks_for_is_missed_and_others_are_not()
    {
        var labelled = Web("web");
        labelled = labelled with { Metadata = labelled.Metadata with { Labels = new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = "web", ["version"] = "2" } } };

        _peers.Set(labelled).ShouldBeEmpty();
        _peers.Set(Web("job")).ShouldBe([Lost with { Cause = PeerCause.PodLabels }]);
        _peers.Set(Web("web")).ShouldBeEmpty("more is allowed now, and no refusal is cached");
    }

    [Fact]
    public void A_pod_that_is_deleted_or_ends_is_missed_once()
    {
        _peers.Set(Web("web", phase: "Succeeded")).ShouldBe([Lost]);
        _peers.Remove(Web("web")).ShouldBeEmpty();
        _peers.Set(PeerSamples.Pod("bank/web6", "n3", "10.0.3.2", Labels("web"))).ShouldBeEmpty("the address is nobody's");
    }

    [Fact]
    public void An_address_that_another_pod_has_is_missed_before_the_end_of_the_first_is_heard()
    {
        var successor = PeerSamples.Pod("bank/web6", "n3", "10.0.3.2", Labels("web"));

        _peers.Set(successor).ShouldBe([Lost with { Cause = PeerCause.AddressReused }]);
        _peers.Remove(Web("web")).ShouldBeEmpty("it no longer had the address");
        _peers.Remove(successor).ShouldBe([Lost]);
    }

    [Fact]
    public void An_address_that_a_pod_gives_up_is_missed() =>
        _peers.Set(PeerSamples.Pod("bank/web5", "n3", "10.0.3.9", Labels("web"))).ShouldBe([Lost with { Cause = PeerCause.PodAddress }]);

    [Fact]
    public void Labels_of_a_namespace_count_for_its_pods()
    {
        _peers.Set(Namespace("bank", "b")).ShouldBe([Lost with { Cause = PeerCause.NamespaceLabels }]);
        _peers.Set(Namespace("bank", "a")).ShouldBeEmpty();
        _peers.Set(Namespace("shop", "z")).ShouldBeEmpty();
    }

    [Fact]
    public void A_policy_that_is_gone_is_not_asked()
    {
        _peers.Remove(PeerSamples.Policy("shop/db", new V1NetworkPolicySpec()));

        _peers.Set(Web("job")).ShouldBeEmpty();
        _peers.ConcernedNodes().ShouldBeEmpty();
    }

    [Fact]
    public void Pods_in_the_network_of_their_node_are_nobodys_peers() =>
        _peers.Remove(PeerSamples.Pod("bank/host7", "n3", "192.0.2.3", Labels("web"), isHost: true)).ShouldBeEmpty();

    private static V1Pod Web(string app, string phase = "Running") => PeerSamples.Pod("bank/web5", "n3", "10.0.3.2", Labels(app), phase);

    private static V1Namespace Namespace(string name, string team) =>
        new() { Metadata = new V1ObjectMeta { Name = name, Labels = new Dictionary<string, string>(StringComparer.Ordinal) { ["team"] = team } } };

    private static Dictionary<string, string> Labels(string app) => new(StringComparer.Ordinal) { ["app"] = app };

    private static V1LabelSelector Selector(string app) => new() { MatchLabels = Labels(app) };

    private static V1LabelSelector Team(string team) => new() { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { ["team"] = team } };
}
