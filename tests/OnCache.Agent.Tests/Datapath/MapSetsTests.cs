using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Tests.Bpf;

namespace OnCache.Agent.Tests.Datapath;

public sealed class MapSetsTests
{
    private const ulong Deadline = ulong.MaxValue;
    private const uint Saved = 1;

    [Fact]
    public void Maps_of_another_layout_version_are_void_as_soon_as_ours_are_pinned()
    {
        using var file = new BpfFileSystem();
        using var before = OfVersion(file, "v1");

        using var datapath = LoadedPrograms.Load(file);

        before.Maps.Config[0].HeartbeatDeadline.ShouldBe(0ul);
        datapath.Reused.ShouldBeFalse();
        Directory.Exists(Path.Combine(LoadedPrograms.Pins(file).Root, "v1", "maps")).ShouldBeTrue("programs still read them");
        datapath.RemoveOtherMaps();
        Directory.EnumerateDirectories(LoadedPrograms.Pins(file).Root).Select(Path.GetFileName)
            .ShouldBe([Path.GetFileName(LoadedPrograms.Pins(file).Version), "links"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v777")]
    public void What_is_to_be_restored_passes_from_version_to_version(string version)
    {
        using var file = new BpfFileSystem();
        using var before = OfVersion(file, version);

        using var datapath = LoadedPrograms.Load(file);

        datapath.Maps.Config[0].SavedTcpBeLiberal.ShouldBe(Saved);
    }

    [Fact]
    public void What_is_to_be_restored_passes_to_maps_of_other_sizes()
    {
        using var file = new BpfFileSystem();
        using var before = LoadedPrograms.Load(file);
        before.Maps.Config[0].SavedTcpBeLiberal = Saved;
        before.Maps.Config[0].HeartbeatDeadline = Deadline;

        using var datapath = LoadedPrograms.Load(file, LoadedPrograms.Sizes with { Egress = 9 });

        datapath.Maps.Config[0].SavedTcpBeLiberal.ShouldBe(Saved);
        before.Maps.Config[0].HeartbeatDeadline.ShouldBe(0ul, "its programs hand over until they are replaced");
        new MapSets(LoadedPrograms.Pins(file), KernelSteps.Direct).SavedTcpBeLiberal().ShouldBe(Saved);
    }

    [Fact]
    public void The_head_of_the_configuration_is_the_same_in_every_version()
    {
        using var kernel = new FreshDatapath();
        kernel.Maps.Config[0].Epoch = 3;
        kernel.Maps.Config[0].HeartbeatDeadline = Deadline;
        kernel.Maps.Config[0].SavedTcpBeLiberal = Saved;
        using var fd = kernel.OpenMap(MapNames.Config);

        using var head = new MappedArray<ConfigHead>(MapNames.Config, fd.Value, 1);

        (head[0].Epoch, head[0].HeartbeatDeadline, head[0].SavedTcpBeLiberal).ShouldBe((3u, Deadline, Saved));
    }

    /// <summary>A datapath in use whose pins are those of another version.</summary>
    private static LoadedDatapath OfVersion(BpfFileSystem file, string version)
    {
        var datapath = LoadedPrograms.Load(file);
        datapath.Maps.Config[0].SavedTcpBeLiberal = Saved;
        datapath.Maps.Config[0].HeartbeatDeadline = Deadline;
        var pins = LoadedPrograms.Pins(file);
        Directory.Move(pins.Version, Path.Combine(pins.Root, version));
        return datapath;
    }
}
