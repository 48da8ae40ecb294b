using OnCache.Lab.Topology;

namespace OnCache.Lab.Tests.Topology;

public sealed class LabOptionsTests
{
    [Fact]
    public void The_default_name_is_unique_and_valid()
    {
        var (first, second) = (new LabOptions(), new LabOptions());
        first.Validate();
        first.Name.ShouldNotBe(second.Name);
    }

    [Theory]
    [InlineData(1, 1, 1500, "nodes: '1' is not in 2..16")]
    [InlineData(17, 1, 1500, "nodes: '17' is not in 2..16")]
    [InlineData(2, 0, 1500, "pods: '0' is not in 1..250")]
    [InlineData(2, 251, 1500, "pods: '251' is not in 1..250")]
    [InlineData(2, 1, 575, "mtu: '575' is not in 576..9000")]
    [InlineData(2, 1, 9001, "mtu: '9001' is not in 576..9000")]
    public void A_value_out_of_bounds_is_named_with_its_bounds(int nodes, int pods, int mtu, string message) =>
        Should.Throw<LabOptionException>(() => new LabOptions { Nodes = nodes, Pods = pods, Mtu = mtu }.Validate()).Message.ShouldBe(message);

    [Theory]
    [InlineData("")]
    [InlineData("../x")]
    [InlineData("Lab")]
    [InlineData("a b")]
    [InlineData("-a")]
    [InlineData("a-")]
    [InlineData("abcdefghijklmnopqrstu")]
    public void A_name_that_could_not_be_a_namespace_is_refused(string name) =>
        Should.Throw<LabOptionException>(() => new LabOptions { Name = name }.Validate()).Message.ShouldStartWith($"name: '{name}'");

    [Theory]
    [InlineData("oncache-a-n1", true)]
    [InlineData("oncache-a-n1p12", true)]
    [InlineData("oncache-a-wire", true)]
    [InlineData("oncache-a-b-n1", false)]
    [InlineData("oncache-a-n1-n1", false)]
    [InlineData("oncache-ab-n1", false)]
    [InlineData("other", false)]
    public void A_lab_owns_its_namespaces_and_not_those_of_a_similar_name(string ns, bool owned) => new LabNames("a").Owns(ns).ShouldBe(owned);
}
