using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;

namespace OnCache.Agent.Tests.Bpf;

/// <summary>The datapath of a test, loaded as the agent loads it.</summary>
internal static class LoadedPrograms
{
    public static DatapathSizes Sizes { get; } = new(Filter: 1024, Egress: 8, Ingress: 4);

    // Reads the kernel's types, which takes long: once for all tests.
    private static readonly Lazy<(KernelCapabilities? Kernel, string? Missing)> s_kernel = new(static () =>
    {
        try
        {
            return (KernelCapabilities.Detect(), null);
        }
        catch (DatapathException missing)
        {
            return (null, missing.Message);
        }
    });

    /// <summary>Skips the test where the kernel lacks what the agent itself requires.</summary>
    public static KernelCapabilities RequireKernel()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root, to load eBPF programs");
        var (kernel, missing) = s_kernel.Value;
        Assert.SkipWhen(kernel is null, missing ?? "");
        return kernel!;
    }

    /// <summary>Where the maps of <see cref="Load"/> are pinned.</summary>
    public static PinDirectory Pins(BpfFileSystem file) => PinDirectory.At(Path.Combine(file.Root, "oncache"));

    /// <param name="tcx">For tcx or for clsact; null for what the kernel has.</param>
    /// <param name="kernel">Makes the kernel another one than it is.</param>
    /// <param name="steps">Straight to the kernel when left out.</param>
    public static LoadedDatapath Load(
        BpfFileSystem file,
        DatapathSizes? sizes = null,
        bool? tcx = null,
        Func<KernelCapabilities, KernelCapabilities>? kernel = null,
        IKernelSteps? steps = null)
    {
        var capabilities = RequireKernel();
        var pins = Pins(file);
        pins.Create();
        var datapath = LoadedDatapath.Load(pins, sizes ?? Sizes, kernel?.Invoke(capabilities) ?? capabilities, tcx ?? capabilities.Tcx, steps);
        datapath.Commit();
        return datapath;
    }
}
