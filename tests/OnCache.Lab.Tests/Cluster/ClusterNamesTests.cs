using OnCache.Lab.Cluster;

namespace OnCache.Lab.Tests.Cluster;

public sealed class ClusterNamesTests
{
    [Theory]
    [InlineData("oncluster-a-n12", true)]
    [InlineData("oncluster-a-cp", true)]
    [InlineData("oncluster-a-wire", true)]
    [InlineData("oncluster-a-b-n1", false)]
    [InlineData("oncluster-a-n1p1", false)]
    [InlineData("oncache-a-n1", false)]
    public void Only_its_own_namespaces_are_a_clusters(string name, bool owned) => new ClusterNames("a").Owns(name).ShouldBe(owned);
}
