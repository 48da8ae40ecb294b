using OnCache.Agent.Bpf;

namespace OnCache.Agent.Datapath;

/// <summary>
/// Programs and maps in the kernel. Maps are pinned, and an agent that starts over finds them again where sizes and
/// layout are the same; otherwise it begins with empty ones and the old ones go when the last program lets go of them.
/// </summary>
internal sealed unsafe class LoadedDatapath : IDisposable
{
    private readonly BpfObject _object;
    // The result of a sweep passes through a map: one at a time.
    private readonly Lock _sweep = new();

    private LoadedDatapath(BpfObject obj, DatapathMaps maps, bool reused)
    {
        _object = obj;
        Maps = maps;
        Reused = reused;
    }

    public DatapathMaps Maps { get; }

    /// <summary>The maps are those of an earlier agent.</summary>
    public bool Reused { get; }

    /// <param name="tcx">Load for tcx rather than for clsact.</param>
    public static LoadedDatapath Load(PinDirectory pins, DatapathSizes sizes, KernelCapabilities capabilities, bool tcx)
    {
        var obj = BpfObject.OpenEmbedded();
        try
        {
            var reused = Prepare(obj, pins, sizes, capabilities, tcx);
            try
            {
                obj.Load(ProgramNames.All);
            }
            finally
            {
                reused?.ForEach(map => map.Dispose());
            }

            var maps = new DatapathMaps(obj, sizes);
            if (reused is null)
            {
                Pin(obj, pins);
            }

            return new LoadedDatapath(obj, maps, reused is not null);
        }
        catch
        {
            obj.Dispose();
            throw;
        }
    }

    public int ProgramFd(string program) => _object.ProgramFd(program);

    public BpfProgramInfo ProgramInfo(string program) => _object.ProgramInfo(program);

    /// <summary>Kernel memory that the map is charged with, bytes.</summary>
    public long MapMemory(string map) => BpfMapMemory.Of(_object.MapFd(map));

    /// <summary>Removes what no packet may use any more from the filter cache and counts the rest. Takes up to 0.3 s per million entries.</summary>
    public Sweep SweepFilterCache()
    {
        using var one = _sweep.EnterScope();
        var options = new Interop.Libbpf.bpf_test_run_opts { sz = (nuint)sizeof(Interop.Libbpf.bpf_test_run_opts) };
        BpfException.Check(
            Interop.Libbpf.bpf_prog_test_run_opts(ProgramFd(ProgramNames.Sweep), ref options),
            "run the sweep of the filter cache");
        return Maps.Sweep.TryGet(0, out var sweep) && options.retval == 0
            ? sweep
            : throw new InvalidOperationException($"the sweep of the filter cache returned {options.retval}");
    }

    /// <summary>
    /// Returns once no program runs any more that read the maps before the call: what was withdrawn may now be
    /// rewritten. The command waits for an RCU grace period, and programs run inside RCU read sections.
    /// </summary>
    public static void WaitForRunningPrograms()
    {
        if (Interop.Libc.syscall(Interop.Libc.SYS_membarrier, Interop.Libc.MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
        {
            throw new BpfException("wait for running programs (membarrier)", System.Runtime.InteropServices.Marshal.GetLastPInvokeError());
        }
    }

    public void Dispose()
    {
        Maps.Dispose();
        _object.Dispose();
    }

    private static List<FileDescriptor>? Prepare(
        BpfObject obj, PinDirectory pins, DatapathSizes sizes, KernelCapabilities capabilities, bool tcx)
    {
        obj.SetLoadOptions(new LoadOptions { HaveSkbConntrack = capabilities.SkbConntrack ? (byte)1 : (byte)0 });
        foreach (var (map, entries) in sizes.MapEntries())
        {
            obj.SetMaxEntries(map, entries);
        }

        if (tcx)
        {
            foreach (var (program, direction) in ProgramNames.OfEndpoint.Concat(ProgramNames.OfNic))
            {
                obj.SetAttachType(program, TcxAttacher.AttachType(direction));
            }
        }

        var pinned = PinnedMaps.TryOpenAll(pins, obj.ShapeOf);
        for (var i = 0; i < (pinned?.Count ?? 0); i++)
        {
            obj.ReuseMap(MapNames.All[i], pinned![i]);
        }

        return pinned;
    }

    private static void Pin(BpfObject obj, PinDirectory pins)
    {
        foreach (var map in MapNames.All)
        {
            var path = pins.MapPath(map);
            File.Delete(path);
            BpfException.Check(Interop.Libbpf.bpf_obj_pin(obj.MapFd(map), path), $"pin map {path}");
        }
    }
}
