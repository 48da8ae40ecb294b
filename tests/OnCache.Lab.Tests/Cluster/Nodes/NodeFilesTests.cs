using OnCache.Lab.Cluster.Nodes;

namespace OnCache.Lab.Tests.Cluster.Nodes;

public sealed class NodeFilesTests
{
    private readonly NodeFiles files = new("/labs/x/n1");

    [Theory]
    [InlineData("/run/containerd/containerd.sock", "/labs/x/n1/run/containerd/containerd.sock")]
    [InlineData("/var/lib/node/ca.crt", "/labs/x/n1/lib/node/ca.crt")]
    [InlineData("/var/log", "/labs/x/n1/log")]
    public void What_is_the_nodes_own_lies_in_its_folder(string inside, string outside) => files.Outside(inside).ShouldBe(outside);

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("/var/library")]
    [InlineData("/running")]
    public void What_is_the_machines_is_refused(string inside) =>
        Should.Throw<ArgumentException>(() => files.Outside(inside)).Message.ShouldContain($"{inside} is not below");
}
