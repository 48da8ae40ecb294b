using OnCache.Api;
using OnCache.Operator.Validation;

namespace OnCache.Operator.Tests.Validation;

/// <summary>Each rule with a policy it refuses and one it accepts.</summary>
public sealed class PolicyProblemsTests
{
    private static readonly OverlayCachePolicySpec Good = new();

    [Fact]
    public void The_defaults_are_accepted() => ShouldFind(Good, "");

    [Theory]
    [InlineData(-1_000_001, "spec.priority: -1000001 is out of range; use -1000000 to 1000000")]
    [InlineData(1_000_001, "spec.priority: 1000001 is out of range; use -1000000 to 1000000")]
    [InlineData(1_000_000, "")]
    public void Priority_has_bounds(int priority, string problem) => ShouldFind(Good with { Priority = priority }, problem);

    [Theory]
    [InlineData(999, 0, "spec.lease: 999ms is out of range; use 1s to 10m")]
    [InlineData(600_001, 0, "spec.lease: 10m1ms is out of range; use 1s to 10m")]
    [InlineData(1000, 60_001, "spec.settle: 1m1ms is out of range; use 0s to 1m")]
    [InlineData(600_000, 60_000, "")]
    public void Durations_have_bounds(int lease, int settle, string problem) => ShouldFind(
        Good with { Lease = TimeSpan.FromMilliseconds(lease), Settle = TimeSpan.FromMilliseconds(settle) },
        problem);

    [Theory]
    [InlineData(1023, "spec.cacheSizes.filter: 1023 is out of range; use 1024 to 4194304")]
    [InlineData(4_194_304, "")]
    public void Cache_sizes_have_bounds(int filter, string problem) => ShouldFind(Good with { CacheSizes = new() { Filter = filter } }, problem);

    [Fact]
    public void Some_protocol_is_listed_and_each_once()
    {
        ShouldFind(Good with { Protocols = [] }, "spec.protocols: no protocol is listed; list TCP, UDP or ICMP, or leave the field out for all");
        ShouldFind(
            Good with { Protocols = [Protocol.Tcp, Protocol.Tcp] },
            "spec.protocols[1]: TCP is already used by spec.protocols[0]; it must be unique");
        ShouldFind(Good with { Protocols = [Protocol.Icmp] }, "");
    }

    [Theory]
    [InlineData("Shop", "spec.namespaces.names[0]: \"Shop\" is not a namespace; use at most 63 lower-case letters, digits and '-'")]
    [InlineData("shop", "")]
    public void Namespaces_have_names(string name, string problem) => ShouldFind(Good with { Namespaces = new() { Names = [name] } }, problem);

    [Theory]
    [InlineData("10.1.2.3/16", "spec.exclusions.cidrs[0]: 10.1.2.3/16 is not accepted; its host bits must be zero: use 10.1.0.0/16")]
    [InlineData("10.1.0.0", "spec.exclusions.cidrs[0]: 10.1.0.0 is not accepted; use an IPv4 range such as 10.1.0.0/16")]
    [InlineData("10.1.0.0/16", "")]
    public void Ranges_are_ranges(string cidr, string problem) => ShouldFind(Good with { Exclusions = new() { Cidrs = [cidr] } }, problem);

    [Theory]
    [InlineData(0, "spec.exclusions.ports[0].port: 0 is out of range; use 1 to 65535")]
    [InlineData(65_535, "")]
    public void Ports_have_bounds(int port, string problem) => ShouldFind(
        Good with { Exclusions = new() { Ports = [new(TransportProtocol.Tcp, port)] } },
        problem);

    [Fact]
    public void Lists_have_an_end()
    {
        var names = Enumerable.Range(0, 251).Select(i => $"n{i}").ToArray();

        ShouldFind(Good with { Exclusions = new() { Namespaces = names } }, "spec.exclusions.namespaces: 251 entries are too many; use at most 250");
        ShouldFind(Good with { Namespaces = new() { Names = names } }, "spec.namespaces.names: 251 entries are too many; use at most 250");
        ShouldFind(Good with { Exclusions = new() { Namespaces = names[1..] }, Namespaces = new() { Names = names[1..] } }, "");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_selector_is_checked(int which)
    {
        var bad = new LabelSelector { MatchExpressions = [new("app", LabelSelectorOperator.In, [])] };
        var (spec, field) = which switch
        {
            0 => (Good with { NodeSelector = bad }, "nodeSelector"),
            1 => (Good with { PodSelector = bad }, "podSelector"),
            2 => (Good with { Namespaces = new() { Selector = bad } }, "namespaces.selector"),
            _ => (Good with { Exclusions = new() { PodSelector = bad } }, "exclusions.podSelector"),
        };

        ShouldFind(spec, $"spec.{field}.matchExpressions[0]: operator In has no values; name at least one");
    }

    private static void ShouldFind(OverlayCachePolicySpec spec, string problem) =>
        PolicyProblems.All(spec).Select(found => $"{found.Field}: {found.Message}").ShouldBe(problem.Length == 0 ? [] : [problem]);
}
