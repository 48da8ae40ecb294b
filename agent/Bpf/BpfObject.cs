using System.Runtime.InteropServices;
using System.Text;

namespace OnCache.Agent.Bpf;

/// <summary>
/// The compiled programs and their maps: opened from the assembly, sized, bound to maps that an earlier agent pinned,
/// loaded. libbpf owns what it opened until <see cref="Dispose"/>; pins and links outlive it.
/// </summary>
internal sealed unsafe class BpfObject : IDisposable
{
    private const string ResourceName = "oncache.bpf.o";
    private const int LogBytes = 1 << 20;

    private readonly UnmanagedMemoryStream? _image;
    private nint _object;

    private BpfObject(nint obj, UnmanagedMemoryStream? image)
    {
        _object = obj;
        _image = image;
    }

    /// <summary>Opens the object that is part of this assembly.</summary>
    public static BpfObject OpenEmbedded()
    {
        var image = (UnmanagedMemoryStream?)typeof(BpfObject).Assembly.GetManifestResourceStream(ResourceName)
            ?? throw new InvalidOperationException($"the assembly lacks the resource {ResourceName}");
        var (obj, warnings) = LibbpfLog.Collect(() =>
        {
            var result = Interop.Libbpf.bpf_object__open_mem(image.PositionPointer, (nuint)image.Length, null);
            return (Pointer: result, Error: Marshal.GetLastPInvokeError());
        });
        return obj.Pointer != 0
            ? new BpfObject(obj.Pointer, image)
            : throw new BpfException("open the eBPF object", obj.Error, string.Join("; ", warnings));
    }

    public nint Btf => Interop.Libbpf.bpf_object__btf(_object);

    /// <summary>Writes the constants that the verifier folds into the programs. Before <see cref="Load"/>.</summary>
    public void SetLoadOptions(LoadOptions options)
    {
        var value = Interop.Libbpf.bpf_map__initial_value(Map(".rodata"), out var size);
        if (value == null || size < (nuint)sizeof(LoadOptions))
        {
            throw new InvalidOperationException($"the object's .rodata has {size} bytes, the load options need {sizeof(LoadOptions)}");
        }

        *(LoadOptions*)value = options;
    }

    public void SetMaxEntries(string map, uint entries) =>
        BpfException.Check(Interop.Libbpf.bpf_map__set_max_entries(Map(map), entries), $"size map {map} to {entries} entries");

    /// <summary>What the object asks of a map, to be compared with a pinned one.</summary>
    public MapShape ShapeOf(string map)
    {
        var pointer = Map(map);
        return new MapShape(
            Interop.Libbpf.bpf_map__type(pointer),
            Interop.Libbpf.bpf_map__key_size(pointer),
            Interop.Libbpf.bpf_map__value_size(pointer),
            Interop.Libbpf.bpf_map__max_entries(pointer),
            Interop.Libbpf.bpf_map__map_flags(pointer));
    }

    public void ReuseMap(string map, FileDescriptor pinned) =>
        BpfException.Check(Interop.Libbpf.bpf_map__reuse_fd(Map(map), pinned.Value), $"reuse pinned map {map}");

    public void SetAttachType(string program, uint type) =>
        BpfException.Check(Interop.Libbpf.bpf_program__set_expected_attach_type(Program(program), type), $"set the attach type of {program}");

    /// <summary>Creates the maps and has the kernel verify the programs.</summary>
    /// <exception cref="BpfException">With the verifier's last lines, or what libbpf could not resolve.</exception>
    public void Load(IReadOnlyList<string> programs, IKernelSteps steps)
    {
        var logs = programs.ToDictionary(name => name, _ => (nint)NativeMemory.AllocZeroed(LogBytes), StringComparer.Ordinal);
        try
        {
            foreach (var (name, log) in logs)
            {
                BpfException.Check(Interop.Libbpf.bpf_program__set_log_buf(Program(name), (byte*)log, LogBytes), $"set the log of {name}");
            }

            var (result, warnings) = LibbpfLog.Collect(
                () => steps.Try("load the eBPF programs", () => Interop.Libbpf.bpf_object__load(_object)));
            if (result < 0)
            {
                var refused = logs.Select(pair => new VerifierReport(pair.Key, ReadLog(pair.Value))).FirstOrDefault(report => report.Log.Length > 0);
                var detail = refused is null ? string.Join("; ", warnings.Take(3)) : $"{refused.Program}: {refused.Tail(5)}";
                throw new BpfException("load the eBPF programs", -result, detail);
            }
        }
        finally
        {
            foreach (var log in logs.Values)
            {
                NativeMemory.Free((void*)log);
            }
        }
    }

    public int ProgramFd(string program) =>
        BpfException.Check(Interop.Libbpf.bpf_program__fd(Program(program)), $"program {program} is not loaded");

    public int MapFd(string map) =>
        BpfException.Check(Interop.Libbpf.bpf_map__fd(Map(map)), $"map {map} is not created");

    /// <summary>Identity and cost of a loaded program.</summary>
    public BpfProgramInfo ProgramInfo(string program) => BpfProgramInfo.Of(ProgramFd(program));

    public void Dispose()
    {
        if (_object != 0)
        {
            Interop.Libbpf.bpf_object__close(_object);
            _object = 0;
            _image?.Dispose();
        }
    }

    private static string ReadLog(nint log)
    {
        var bytes = MemoryMarshal.CreateReadOnlySpanFromNullTerminated((byte*)log);
        return Encoding.UTF8.GetString(bytes);
    }

    private nint Map(string name)
    {
        var map = Interop.Libbpf.bpf_object__find_map_by_name(_object, name);
        return map != 0 ? map : throw new BpfException($"find map {name}", Marshal.GetLastPInvokeError());
    }

    private nint Program(string name)
    {
        var program = Interop.Libbpf.bpf_object__find_program_by_name(_object, name);
        return program != 0 ? program : throw new BpfException($"find program {name}", Marshal.GetLastPInvokeError());
    }
}

/// <summary>What two maps must have in common for one to stand for the other.</summary>
internal readonly record struct MapShape(uint Type, uint KeySize, uint ValueSize, uint MaxEntries, uint Flags);
