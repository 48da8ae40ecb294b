using System.Runtime.InteropServices;

using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Tests.Bpf;
using OnCache.Agent.Tests.Net;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>A device whose hooks a test fills, with our programs and somebody else's.</summary>
internal sealed partial class HookStage : IDisposable
{
    public const int Device = 201;

    private readonly BpfFileSystem _pins = new();

    public HookStage(bool tcx)
    {
        try
        {
            Assert.SkipUnless(!tcx || LoadedPrograms.RequireKernel().Tcx, "needs a kernel with tcx (6.6)");
            Datapath = LoadedPrograms.Load(_pins, tcx: tcx);
            Namespace = TestNamespace.Create();
            AddDevice();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public TestNamespace Namespace { get; } = null!;

    public LoadedDatapath Datapath { get; } = null!;

    public string LinkDirectory => LoadedPrograms.Pins(_pins).Links;

    /// <summary>The programs anew, over the same maps: those of an agent that starts over.</summary>
    public LoadedDatapath LoadAgain(bool tcx) => LoadedPrograms.Load(_pins, tcx: tcx);

    public void AddDevice() => Namespace.Ip($"link add hooked index {Device} type veth peer name peer index {Device + 1}");

    public void RemoveDevice() => Namespace.Ip("link delete hooked");

    /// <summary>Programs of a tcx hook in the order in which they run, by id.</summary>
    public List<uint> TcxPrograms(TcDirection direction) => Namespace.Run(() =>
    {
        var ids = new uint[8];
        var count = (uint)ids.Length;
        BpfException.Check(bpf_prog_query(Device, TcxAttacher.AttachType(direction), 0, out _, ids, ref count), "query the hook");
        return ids.Take((int)count).ToList();
    });

    /// <summary>Puts somebody else's program at the end of a tcx hook; it stays as long as the descriptor.</summary>
    public unsafe FileDescriptor AttachForeign(ForeignProgram program, TcDirection direction) => Namespace.Run(() => new FileDescriptor(
        BpfException.Check(Interop.Libbpf.bpf_link_create(program.Descriptor, Device, TcxAttacher.AttachType(direction), null), "attach")));

    public void Dispose()
    {
        Namespace?.Dispose();
        Datapath?.Dispose();
        _pins.Dispose();
    }

    [LibraryImport("libbpf.so.1")]
    private static partial int bpf_prog_query(
        int target, uint type, uint flags, out uint attachFlags, [Out] uint[] programs, ref uint count);
}
