namespace OnCache.Agent.Bpf;

/// <summary>The running kernel's type information: which kernel functions can programs call?</summary>
internal sealed class KernelBtf : IDisposable
{
    private static readonly string[] s_conntrackModules = ["nf_conntrack"];
    private readonly List<nint> _loaded = [];

    private KernelBtf()
    {
    }

    /// <summary>Null where the kernel was built without BTF.</summary>
    public static KernelBtf? TryLoad()
    {
        var vmlinux = Interop.Libbpf.btf__load_vmlinux_btf();
        if (vmlinux == 0)
        {
            return null;
        }

        var btf = new KernelBtf();
        btf._loaded.Add(vmlinux);
        foreach (var module in s_conntrackModules)
        {
            if (File.Exists($"/sys/kernel/btf/{module}") && Interop.Libbpf.btf__load_module_btf(module, vmlinux) is var handle && handle != 0)
            {
                btf._loaded.Insert(0, handle);
            }
        }

        return btf;
    }

    public bool HasFunction(string name) =>
        _loaded.Any(btf => Interop.Libbpf.btf__find_by_name_kind(btf, name, Interop.Libbpf.BTF_KIND_FUNC) > 0);

    public void Dispose()
    {
        foreach (var btf in _loaded)
        {
            Interop.Libbpf.btf__free(btf);
        }

        _loaded.Clear();
    }
}
