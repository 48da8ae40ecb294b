using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Tests.Bpf;

namespace OnCache.Agent.Tests.Datapath;

public sealed class PinDirectoryTests
{
    [Fact]
    public void The_layout_version_is_part_of_the_path()
    {
        var pins = PinDirectory.At("/sys/fs/bpf/oncache");

        pins.Maps.ShouldBe($"/sys/fs/bpf/oncache/v{Layout.Version}/maps");
        pins.Spare.ShouldBe($"/sys/fs/bpf/oncache/v{Layout.Version}/spare");
        pins.Links.ShouldBe("/sys/fs/bpf/oncache/links", "a link holds a program of any version");
        pins.MapPath("config").ShouldBe($"/sys/fs/bpf/oncache/v{Layout.Version}/maps/config");
    }

    [Fact]
    public void Another_filesystem_is_refused_and_nothing_is_created()
    {
        using var folder = new TemporaryFolder();
        var root = folder.Path("pins", "oncache");

        var message = Should.Throw<DatapathException>(() => PinDirectory.At(root).Create()).Message;

        message.ShouldBe(
            $"--pin-root: {root} is not on a BPF filesystem; mount one (mount -t bpf bpf /sys/fs/bpf) or name a directory on one");
        Directory.Exists(folder.Path("pins")).ShouldBeFalse();
    }

    [Fact]
    public void Created_twice_is_as_good_as_once()
    {
        using var file = new BpfFileSystem();
        var pins = PinDirectory.At(Path.Combine(file.Root, "a", "b"));

        pins.Create();
        pins.Create();

        Directory.Exists(pins.Version).ShouldBeTrue();
        Directory.Exists(pins.Links).ShouldBeTrue();
    }

    [Fact]
    public void Remove_takes_all_of_ours_of_every_version()
    {
        using var file = new BpfFileSystem();
        using var datapath = LoadedPrograms.Load(file);
        var pins = LoadedPrograms.Pins(file);
        Directory.CreateDirectory(Path.Combine(pins.Root, "v999", "maps"));
        File.Exists(pins.MapPath(MapNames.Config)).ShouldBeTrue();

        pins.Remove();

        Directory.Exists(pins.Root).ShouldBeFalse();
    }

    [Theory]
    [InlineData("vendor")]
    [InlineData("v")]
    [InlineData("v1x")]
    [InlineData("others")]
    [InlineData("v4/theirs")]
    public void Remove_leaves_what_others_pinned(string theirs)
    {
        using var file = new BpfFileSystem();
        using var datapath = LoadedPrograms.Load(file);
        var pins = LoadedPrograms.Pins(file);
        var folder = Path.Combine(pins.Root, theirs);
        Directory.CreateDirectory(folder);
        var pinned = Path.Combine(folder, "map");
        using (var map = PinnedMaps.TryOpen(pins, MapNames.Sweep).ShouldNotBeNull())
        {
            BpfException.Check(Interop.Libbpf.bpf_obj_pin(map.Value, pinned), "pin");
        }

        pins.Remove();

        File.Exists(pinned).ShouldBeTrue();
        Directory.Exists(pins.Maps).ShouldBeFalse();
        Directory.Exists(pins.Links).ShouldBeFalse();
    }

    [Fact]
    public void Remove_of_nothing_is_no_error()
    {
        using var file = new BpfFileSystem();

        Should.NotThrow(() => PinDirectory.At(Path.Combine(file.Root, "never")).Remove());
    }
}
