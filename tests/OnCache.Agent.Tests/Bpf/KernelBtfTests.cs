using OnCache.Agent.Bpf;

namespace OnCache.Agent.Tests.Bpf;

public sealed class KernelBtfTests
{
    [Fact]
    public void The_running_kernel_knows_its_functions_and_no_others()
    {
        Assert.SkipUnless(File.Exists("/sys/kernel/btf/vmlinux"), "needs a kernel with BTF (CONFIG_DEBUG_INFO_BTF)");
        using var btf = KernelBtf.TryLoad().ShouldNotBeNull();

        btf.HasFunction("schedule").ShouldBeTrue();
        btf.HasFunction("oncache_is_no_kernel_function").ShouldBeFalse();
    }
}
