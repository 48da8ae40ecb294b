using System.Text.Json;
using OnCache.Lab.Demo.Cluster;

namespace OnCache.Lab.Tests.Demo;

/// <summary>What the demonstration on Kubernetes concludes from what it reads.</summary>
public sealed class ClusterVerdictTests
{
    private const string True = """
        {"metadata":{"generation":2},"status":{
          "conditions":[
            {"type":"Accepted","status":"True","observedGeneration":2,"message":""},
            {"type":"Programmed","status":"True","observedGeneration":2,"message":""},
            {"type":"Ready","status":"True","observedGeneration":2,"message":"in force"}],
          "nodes":{"selected":2,"programmed":2,"failed":0},"pods":{"selected":2,"accelerated":2}}}
        """;

    [Fact]
    public void A_status_that_is_true_has_no_objection() => Objection(True).ShouldBeNull();

    [Theory]
    [InlineData("\"status\":{", "\"nothing\":{", "it has no status")]
    [InlineData("\"type\":\"Programmed\"", "\"type\":\"Other\"", "it has no condition Programmed")]
    [InlineData("\"Ready\",\"status\":\"True\"", "\"Ready\",\"status\":\"False\"", "Ready is False: in force")]
    [InlineData("\"Ready\",\"status\":\"True\",\"observedGeneration\":2", "\"Ready\",\"status\":\"True\",\"observedGeneration\":1", "Ready is about generation 1, not 2")]
    [InlineData("\"programmed\":2", "\"programmed\":1", "status.nodes.programmed is 1, not 2")]
    [InlineData("\"failed\":0", "\"failed\":1", "status.nodes.failed is 1, not 0")]
    [InlineData("\"accelerated\":2", "\"accelerated\":1", "status.pods.accelerated is 1, not 2")]
    [InlineData("\"selected\":2,\"accelerated\"", "\"accelerated\"", "status.pods.selected is absent, not 2")]
    public void One_that_is_not_says_what(string what, string instead, string objection)
    {
        True.ShouldContain(what);
        Objection(True.Replace(what, instead, StringComparison.Ordinal)).ShouldBe(objection);
    }

    [Fact]
    public void Hits_are_those_of_the_pod_asked_for()
    {
        const string Status = """
            {"endpoints":[
              {"namespace":"other","name":"client","hits":{"egress":{"packets":9},"ingress":{"packets":9}}},
              {"namespace":"demo","name":"client","hits":{"egress":{"packets":3},"ingress":{"packets":4}}}]}
            """;
        PodHits.Parse(Status, "demo", "client").ShouldBe(new PodHits(3, 4));
        Should.Throw<LabException>(() => PodHits.Parse(Status, "demo", "server")).Message.ShouldBe("agent status: the agent does not know the pod demo/server");
        Should.Throw<LabException>(() => PodHits.Parse("{}", "demo", "client")).Message.ShouldStartWith("agent status: not the expected JSON");
    }

    [Fact]
    public void A_missing_image_is_named_with_the_way_to_bring_it()
    {
        var pods = JsonDocument.Parse("""
            {"items":[
              {"metadata":{"name":"a"},"status":{}},
              {"metadata":{"name":"b"},"status":{"containerStatuses":[{"image":"x:1","state":{"waiting":{"reason":"ContainerCreating"}}}]}},
              {"metadata":{"name":"c"},"status":{"containerStatuses":[{"image":"x:1","state":{"waiting":{"reason":"ErrImagePull"}}}]}}]}
            """).RootElement;
        OnCacheInstallation.WhyNot(pods).ShouldBe($"c: ErrImagePull: the nodes need the image x:1; {OnCacheInstallation.ImageHint}");
    }

    [Fact]
    public void Resident_memory_is_read_in_bytes()
    {
        ProgramPod.ResidentBytes(["Name:\tx", "VmRSS:\t   90936 kB"]).ShouldBe(90936 * 1024);
        ProgramPod.ResidentBytes(["Name:\tkthread"]).ShouldBeNull();
    }

    [Theory]
    [InlineData(null, 2)]
    [InlineData("\"architecture\":\"arm64\"", 1)]
    [InlineData("\"unschedulable\":true", 1)]
    [InlineData("\"effect\":\"NoSchedule\"", 1)]
    [InlineData("\"status\":\"Unknown\"", 1)]
    public void Traffic_runs_between_two_nodes_that_take_pods(string? flaw, int usable)
    {
        var second = Node("b", "10.0.0.2");
        if (flaw is not null)
        {
            var field = flaw.Split(':')[0];
            var sound = field switch
            {
                "\"architecture\"" => "\"architecture\":\"amd64\"",
                "\"unschedulable\"" => "\"unschedulable\":false",
                "\"effect\"" => "\"effect\":\"PreferNoSchedule\"",
                _ => "\"status\":\"True\"",
            };
            second.ShouldContain(sound);
            second = second.Replace(sound, flaw, StringComparison.Ordinal);
        }

        var nodes = JsonDocument.Parse($$"""{"items":[{{Node("a", "10.0.0.1")}},{{second}}]}""").RootElement;

        if (usable == 2)
        {
            UserClusterDemo.ChoosePlaces(nodes).ShouldBe(new TrafficPlaces("a", "b", System.Net.IPAddress.Parse("10.0.0.2"), 0));
        }
        else
        {
            Should.Throw<LabException>(() => UserClusterDemo.ChoosePlaces(nodes)).Message
                .ShouldBe("the cluster has 1 nodes that are Linux on amd64, Ready and schedulable; the demonstration needs two");
        }
    }

    private static string? Objection(string policy) => PolicyVerdict.Objection(JsonDocument.Parse(policy).RootElement, nodes: 2, pods: 2);

    private static string Node(string name, string address) => $$$"""
        {"metadata":{"name":"{{{name}}}"},"spec":{"unschedulable":false,"taints":[{"effect":"PreferNoSchedule"}]},
         "status":{"nodeInfo":{"operatingSystem":"linux","architecture":"amd64"},
          "conditions":[{"type":"MemoryPressure","status":"False"},{"type":"Ready","status":"True"}],
          "addresses":[{"type":"Hostname","address":"x"},{"type":"InternalIP","address":"{{{address}}}"}]}}
        """;
}
