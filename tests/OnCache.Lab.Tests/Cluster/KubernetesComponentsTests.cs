using OnCache.Lab.Cluster.Components;

namespace OnCache.Lab.Tests.Cluster;

public sealed class KubernetesComponentsTests : IDisposable
{
    private readonly KubernetesComponents components = new(Path.Combine(Path.GetTempPath(), $"oncache-{Guid.NewGuid():N}"));

    public KubernetesComponentsTests()
    {
        Directory.CreateDirectory(components.ProgramFolder);
        foreach (var program in (string[])["etcd", "kubectl"])
        {
            File.WriteAllText(components.Program(program), "");
        }
    }

    public void Dispose() => Directory.Delete(components.Folder, recursive: true);

    [Fact]
    public void What_is_missing_is_named_with_what_makes_it()
    {
        components.Missing(ComponentSet.Api).ShouldBe(["bin/kube-apiserver"]);
        Should.Throw<LabException>(() => components.Require(ComponentSet.Api))
            .Message.ShouldBe($"{components.Folder}: bin/kube-apiserver missing: run 'eng/kubernetes.sh api' in the source tree");
    }

    [Fact]
    public void The_api_needs_less_than_nodes_do()
    {
        File.WriteAllText(components.Program("kube-apiserver"), "");

        components.Require(ComponentSet.Api);
        components.Missing(ComponentSet.All).ShouldContain("bin/kubelet");
        components.Missing(ComponentSet.All).ShouldContain("images/pause.tar");
        components.Missing(ComponentSet.Cel).ShouldBe(["bin/apiextensions-apiserver"]);
    }
}
