using OnCache.Agent.Bpf;

namespace OnCache.Agent.Datapath;

/// <summary>
/// Programs and maps in the kernel. Maps are pinned, and an agent that starts over finds them again where sizes and
/// layout are the same; otherwise it begins with empty ones, and what was cached in the old ones is void.
/// </summary>
internal sealed unsafe class LoadedDatapath : IDisposable
{
    private readonly BpfObject _object;
    // The result of a sweep passes through a map: one at a time.
    private readonly Lock _sweep = new();
    private readonly MapSets _sets;

    private LoadedDatapath(BpfObject obj, DatapathMaps maps, MapSets sets, IKernelSteps steps, bool reused)
    {
        _object = obj;
        _sets = sets;
        Maps = maps;
        Steps = steps;
        Reused = reused;
    }

    public DatapathMaps Maps { get; }

    public IKernelSteps Steps { get; }

    /// <summary>The maps are those of an earlier agent.</summary>
    public bool Reused { get; }

    /// <summary>Makes and verifies everything beside what is attached already, which goes on.</summary>
    /// <param name="tcx">Load for tcx rather than for clsact.</param>
    /// <param name="beforeNew">Called before maps are made, where there are none to reuse.</param>
    public static LoadedDatapath Load(
        PinDirectory pins, DatapathSizes sizes, KernelCapabilities capabilities, bool tcx, IKernelSteps? steps = null, Action<DatapathSizes>? beforeNew = null)
    {
        steps ??= KernelSteps.Direct;
        var sets = new MapSets(pins, steps);
        var obj = BpfObject.OpenEmbedded();
        try
        {
            var reused = Prepare(obj, pins, sizes, capabilities, tcx, steps);
            if (reused is null)
            {
                beforeNew?.Invoke(sizes);
            }

            try
            {
                obj.Load(ProgramNames.All, steps);
            }
            finally
            {
                reused?.ForEach(map => map.Dispose());
            }

            return new LoadedDatapath(obj, new DatapathMaps(obj, sizes, steps), sets, steps, reused is not null);
        }
        catch
        {
            obj.Dispose();
            throw;
        }
    }

    /// <summary>
    /// These maps are in force from now on: they are what the next agent finds, and programs that read others hand everything to the CNI until
    /// their place is taken. Once more, to return to them from others.
    /// </summary>
    public void Commit()
    {
        if (!_sets.InForce(_object.MapFd(MapNames.Config)))
        {
            Maps.Config[0].SavedTcpBeLiberal = _sets.SavedTcpBeLiberal();
            _sets.Commit(_object.MapFd);
        }

        _sets.RetireOthers();
    }

    /// <summary>Removes the maps of earlier agents, once the programs of this one have taken all places.</summary>
    public void RemoveOtherMaps() => _sets.RemoveOthers();

    /// <summary>
    /// From now on the programs hand everything to the CNI: nobody will tell them of changes until the next agent comes.
    /// </summary>
    public void HandOver() => Volatile.Write(ref Maps.Config[0].HeartbeatDeadline, 0);

    public int ProgramFd(string program) => _object.ProgramFd(program);

    public BpfProgramInfo ProgramInfo(string program) => _object.ProgramInfo(program);

    /// <summary>Kernel memory that the map is charged with, bytes.</summary>
    public long MapMemory(string map) => BpfMapMemory.Of(_object.MapFd(map));

    /// <summary>
    /// Removes what no packet may use any more from the filter cache and counts the rest, for each endpoint too. Takes up to 0.3 s per million entries.
    /// </summary>
    public Sweep SweepFilterCache()
    {
        using var one = _sweep.EnterScope();
        var before = new long[Maps.Held.Length];
        for (var slot = 0; slot < before.Length; slot++)
        {
            ref var held = ref Maps.Held[(uint)slot];
            held.Counted = 0;
            before[slot] = Volatile.Read(ref held.Entries);
        }

        var options = new Interop.Libbpf.bpf_test_run_opts { sz = (nuint)sizeof(Interop.Libbpf.bpf_test_run_opts) };
        _ = Steps.Do(
            "run the sweep of the filter cache",
            () => Interop.Libbpf.bpf_prog_test_run_opts(ProgramFd(ProgramNames.Sweep), ref options));
        if (!Maps.Sweep.TryGet(0, out var sweep) || options.retval != 0)
        {
            throw new InvalidOperationException($"the sweep of the filter cache returned {options.retval}");
        }

        // Off, until the next one, by what came and went while it ran. A slot that passed on meanwhile begins at nothing.
        for (var slot = 0; slot < before.Length; slot++)
        {
            ref var held = ref Maps.Held[(uint)slot];
            if (Interlocked.Add(ref held.Entries, held.Counted - before[slot]) < 0)
            {
                Volatile.Write(ref held.Entries, 0);
            }
        }

        return sweep;
    }

    /// <summary>
    /// Returns once no program runs any more that read the maps before the call: what was withdrawn may now be
    /// rewritten. Writing a map of maps waits for an RCU grace period, and programs run inside RCU read sections. (membarrier waits for one, too, but not on
    /// a machine with nohz_full CPUs.)
    /// </summary>
    public void WaitForRunningPrograms() => Steps.Do("wait for running programs", () =>
    {
        uint only = 0, config = (uint)_object.MapFd(MapNames.Config);
        return Interop.Libbpf.bpf_map_update_elem(_object.MapFd(MapNames.Grace), &only, &config, 0);
    });

    public void Dispose()
    {
        Maps.Dispose();
        _object.Dispose();
    }

    private static List<FileDescriptor>? Prepare(
        BpfObject obj, PinDirectory pins, DatapathSizes sizes, KernelCapabilities capabilities, bool tcx, IKernelSteps steps)
    {
        obj.SetLoadOptions(new LoadOptions { HaveSkbConntrack = capabilities.SkbConntrack ? (byte)1 : (byte)0, FilterEntries = (uint)sizes.UsableFilter });
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

        var pinned = PinnedMaps.TryOpenAll(pins, obj.ShapeOf, steps);
        for (var i = 0; i < (pinned?.Count ?? 0); i++)
        {
            obj.ReuseMap(MapNames.All[i], pinned![i]);
        }

        return pinned;
    }
}
