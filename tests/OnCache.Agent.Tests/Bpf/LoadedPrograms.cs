using OnCache.Agent.Datapath;

namespace OnCache.Agent.Tests.Bpf;

/// <summary>The datapath of a test, loaded as the agent loads it.</summary>
internal static class LoadedPrograms
{
    public static DatapathSizes Sizes { get; } = new(Filter: 1024, Egress: 8, Ingress: 4);

    /// <summary>Skips the test where the kernel lacks what the agent itself requires.</summary>
    public static KernelCapabilities RequireKernel()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root, to load eBPF programs");
        try
        {
            return KernelCapabilities.Detect();
        }
        catch (DatapathException missing)
        {
            Assert.Skip(missing.Message);
            throw;
        }
    }

    public static LoadedDatapath Load(BpfFileSystem pins, DatapathSizes? sizes = null, bool? tcx = null)
    {
        var capabilities = RequireKernel();
        var directory = PinDirectory.At(Path.Combine(pins.Root, "oncache"));
        directory.Create();
        return LoadedDatapath.Load(directory, sizes ?? Sizes, capabilities, tcx ?? capabilities.Tcx);
    }
}
