using System.Text.Json.Nodes;
using OnCache.Api;
using OnCache.Operator.Compilation;
using OnCache.Operator.Webhook;

namespace OnCache.Operator.Tests.Webhook;

public sealed class PolicyAdmissionTests
{
    private static readonly Dictionary<string, NodeCacheConfigStatus> NoReports = new(StringComparer.Ordinal);

    private static readonly ClusterNode Node = new("n1", new Dictionary<string, string>(StringComparer.Ordinal));

    [Theory]
    [InlineData("{}", null)]
    [InlineData("""{"lease":"30s","exclusions":{"cidrs":["10.0.0.0/8"]}}""", null)]
    [InlineData("""{"lease":"1ms"}""", "spec.lease: 1ms is out of range; use 1s to 10m")]
    [InlineData("""{"settle":"2m"}""", "spec.settle: 2m is out of range; use 0s to 1m")]
    [InlineData("""{"lease":"soon"}""", "spec.lease: the value is not understood; see kubectl explain overlaycachepolicy.spec")]
    [InlineData("""{"priority":"high"}""", "spec.priority: the value is not understood; see kubectl explain overlaycachepolicy.spec")]
    [InlineData(
        """{"exclusions":{"cidrs":["10.1.2.3/8"],"ports":[{"protocol":"TCP","port":0}]}}""",
        "spec.exclusions.cidrs[0]: 10.1.2.3/8 is not accepted; its host bits must be zero: use 10.0.0.0/8; spec.exclusions.ports[0].port: 0 is out of range; use 1 to 65535")]
    [InlineData(
        """{"podSelector":{"matchExpressions":[{"key":"app","operator":"In"}]}}""",
        "spec.podSelector.matchExpressions[0]: operator In has no values; name at least one")]
    public void A_policy_is_judged_by_the_rules(string spec, string? problem) => Judge(spec).Problem.ShouldBe(problem);

    [Fact]
    public void A_policy_that_would_decide_nothing_is_stored_with_a_warning()
    {
        var verdict = Judge("""{"namespaces":{"names":["shop"]}}""", [new ClusterPolicy("wide", 1, DateTimeOffset.UnixEpoch, new OverlayCachePolicySpec { Priority = 5 })]);

        verdict.Problem.ShouldBeNull();
        verdict.Warnings.ShouldHaveSingleItem().ShouldBe("policy wide (priority 5) decides before it for every pod it selects; raise its priority or narrow wide");
    }

    [Fact]
    public void Caches_that_do_not_fit_are_stored_with_a_warning_that_names_the_node_with_the_least_room()
    {
        const string large = """{"cacheSizes":{"filter":4194304}}""";

        WarningsWith(large, [], ("n1", Room(600_000_000)), ("n2", Room(130_000_000)), ("n3", Room(90_000_000)), ("n4", new NodeCacheConfigStatus())).ShouldBe(
        [
            "spec.cacheSizes: filter 4194304, egress 5000, ingress 256 need 537.4 MB, node n3 has 90.0 MB beside what is in use (2 nodes have too little): the present sizes would stay; "
                + "raise the agents' memory limit or ask for less",
        ]);
        WarningsWith(large, [], ("n2", Room(130_000_000))).ShouldHaveSingleItem().ShouldContain("MB, node n2 has 130.0 MB beside what is in use: the present");
        WarningsWith("""{"cacheSizes":{"filter":1000000}}""", [], ("n2", Room(130_000_000))).ShouldBeEmpty("it fits");
    }

    [Fact]
    public void Caches_that_are_there_or_that_another_policy_asks_for_bring_no_warning()
    {
        const string large = """{"cacheSizes":{"filter":4194304}}""";
        var other = new ClusterPolicy(
            "other", 1, DateTimeOffset.UnixEpoch, new OverlayCachePolicySpec { Namespaces = new NamespaceSelection { Names = ["shop"] }, CacheSizes = new CacheSizes { Filter = 4_194_304 } });

        WarningsWith(large, [], ("n1", Room(1_000_000, filter: 4_194_304))).ShouldBeEmpty();
        WarningsWith("""{"mode":"Observe"}""", [other], ("n1", Room(1_000_000))).ShouldBeEmpty();
        WarningsWith("""{"mode":"Disabled","cacheSizes":{"filter":4194304}}""", [], ("n1", Room(1_000_000))).ShouldBeEmpty();
    }

    [Fact]
    public void What_is_stored_already_stays_changeable_elsewhere()
    {
        const string bad = """{"lease":"1ms"}""";

        PolicyAdmission.Judge(Request(bad, old: bad), [], [Node], NoReports).Problem.ShouldBeNull();
        PolicyAdmission.Judge(Request(bad, old: "{}"), [], [Node], NoReports).Problem.ShouldNotBeNull();
    }

    [Fact]
    public void The_answer_names_the_request()
    {
        var review = AdmissionVerdict.Denied("no").ToReview("u1");

        review["kind"]!.GetValue<string>().ShouldBe("AdmissionReview");
        review["response"]!["uid"]!.GetValue<string>().ShouldBe("u1");
        review["response"]!["allowed"]!.GetValue<bool>().ShouldBeFalse();
        review["response"]!["status"]!["message"]!.GetValue<string>().ShouldBe("no");
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"request":{"uid":""}}""")]
    [InlineData("""{"request":{"uid":7}}""")]
    public void What_is_no_review_is_not_read(string text) =>
        AdmissionRequest.Read(JsonNode.Parse(text) as JsonObject).ShouldBeNull();

    private static AdmissionVerdict Judge(string spec, params ClusterPolicy[] others) => PolicyAdmission.Judge(Request(spec), others, [Node], NoReports);

    private static IReadOnlyList<string> WarningsWith(string spec, IReadOnlyList<ClusterPolicy> others, params (string Node, NodeCacheConfigStatus Status)[] reports) =>
        PolicyAdmission.Judge(
            Request(spec),
            others,
            [.. reports.Select(static report => Node with { Name = report.Node })],
            reports.ToDictionary(static report => report.Node, static report => report.Status, StringComparer.Ordinal)).Warnings;

    private static NodeCacheConfigStatus Room(long bytes, int filter = 65_536) => new()
    {
        Capabilities = new NodeCapabilities("6.18.0", "tcx", [], new NodeMemory(bytes, Cpus: 4)),
        Caches = new EffectiveCaches(new EffectiveCache(filter, 1), new EffectiveCache(5000, 1), new EffectiveCache(256, 1)),
    };

    private static AdmissionRequest Request(string spec, string? old = null)
    {
        var review = new JsonObject
        {
            ["request"] = new JsonObject
            {
                ["uid"] = "u1",
                ["name"] = "p",
                ["kind"] = new JsonObject { ["kind"] = "OverlayCachePolicy" },
                ["object"] = new JsonObject { ["spec"] = JsonNode.Parse(spec) },
                ["oldObject"] = old is null ? null : new JsonObject { ["spec"] = JsonNode.Parse(old) },
            },
        };
        return AdmissionRequest.Read(review)!;
    }
}
