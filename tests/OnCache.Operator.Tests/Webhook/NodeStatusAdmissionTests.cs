using OnCache.Operator.Webhook;

namespace OnCache.Operator.Tests.Webhook;

public sealed class NodeStatusAdmissionTests
{
    private const string Agent = "system:serviceaccount:oncache-system:oncache-agent";

    [Theory]
    [InlineData("n1", null)]
    [InlineData("n2", "the agent of node n1 may write the status of n1 alone, not of n2")]
    public void An_agent_writes_its_own_nodes_status_alone(string target, string? problem)
    {
        Judge(Agent, target, (NodeStatusAdmission.NodeName, "n1")).Problem.ShouldBe(problem);
        Judge(Agent, target, (NodeStatusAdmission.PodName, "agent-x")).Problem.ShouldBe(problem);
    }

    [Fact]
    public void The_token_is_believed_before_the_pod_is_asked() =>
        Judge(Agent, "n2", (NodeStatusAdmission.NodeName, "n2"), (NodeStatusAdmission.PodName, "agent-x")).Problem.ShouldBeNull();

    [Fact]
    public void A_token_that_is_bound_to_no_pod_is_refused()
    {
        Judge(Agent, "n1").Problem.ShouldNotBeNull().ShouldContain("bound to no pod");
        Judge(Agent, "n1", (NodeStatusAdmission.PodName, "gone")).Problem.ShouldNotBeNull().ShouldContain("bound to no pod");
    }

    [Fact]
    public void Others_are_for_the_roles_to_judge() => Judge("kubernetes-admin", "n2").Problem.ShouldBeNull();

    private static AdmissionVerdict Judge(string user, string target, params (string Key, string Value)[] extra) => NodeStatusAdmission.Judge(
        new AdmissionRequest("u", "NodeCacheConfig", target, "status", [], [], new AdmissionUser(user, extra.ToDictionary(item => item.Key, item => item.Value, StringComparer.Ordinal))),
        Agent,
        pod => pod == "agent-x" ? "n1" : null);
}
