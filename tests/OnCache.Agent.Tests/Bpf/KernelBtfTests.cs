using System.Text;
using OnCache.Agent.Bpf;

namespace OnCache.Agent.Tests.Bpf;

/// <summary>What the running kernel knows by name.</summary>
public sealed class KernelBtfTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("oncache-btf-").FullName;

    [Fact]
    public void The_running_kernel_s_functions_are_known_and_invented_ones_are_not()
    {
        Assert.SkipUnless(File.Exists(Path.Combine(KernelBtf.Folder, "vmlinux")), "needs a kernel with BTF (CONFIG_DEBUG_INFO_BTF)");

        KernelBtf.TryFind(["tcp_v4_rcv", "oncache_invented"]).ShouldBe(["tcp_v4_rcv"]);
    }

    [Fact]
    public void A_kernel_without_type_information_is_told_apart() => KernelBtf.TryFind(["tcp_v4_rcv"], _folder).ShouldBeNull();

    [Theory]
    [InlineData(0)]
    [InlineData(256 * 1024 - 12)]
    [InlineData(256 * 1024 - 5)]
    [InlineData(256 * 1024)]
    [InlineData(600_000)]
    public void A_name_is_found_wherever_it_lies_and_only_as_a_whole(int offset)
    {
        var image = Enumerable.Repeat((byte)'x', 700_000).ToArray();
        Encoding.ASCII.GetBytes("\0some_name\0").CopyTo(image, offset);
        File.WriteAllBytes(Path.Combine(_folder, "vmlinux"), image);

        KernelBtf.TryFind(["some_name", "some", "name"], _folder).ShouldBe(["some_name"]);
    }

    [Fact]
    public void A_function_of_the_conntrack_module_counts()
    {
        File.WriteAllBytes(Path.Combine(_folder, "vmlinux"), Encoding.ASCII.GetBytes("\0one\0"));
        File.WriteAllBytes(Path.Combine(_folder, "nf_conntrack"), Encoding.ASCII.GetBytes("\0two\0"));

        KernelBtf.TryFind(["one", "two"], _folder).ShouldBe(["one", "two"], ignoreOrder: true);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
