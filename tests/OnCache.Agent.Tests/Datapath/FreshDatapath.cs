using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Tests.Bpf;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>Programs and empty maps for one test.</summary>
internal sealed class FreshDatapath : IDisposable
{
    private readonly BpfFileSystem _pins = new();

    public FreshDatapath(DatapathSizes? sizes = null)
    {
        try
        {
            Datapath = LoadedPrograms.Load(_pins, sizes);
        }
        catch
        {
            _pins.Dispose();
            throw;
        }
    }

    public LoadedDatapath Datapath { get; }

    /// <summary>A descriptor of a map; the caller's to dispose.</summary>
    public FileDescriptor OpenMap(string map) => PinnedMaps.TryOpen(LoadedPrograms.Pins(_pins), map).ShouldNotBeNull();

    public DatapathMaps Maps => Datapath.Maps;

    public void Dispose()
    {
        Datapath.Dispose();
        _pins.Dispose();
    }
}
