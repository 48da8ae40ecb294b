using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Tests.Bpf;

namespace OnCache.Agent.Tests.Datapath;

public sealed class TcxAttacherTests
{
    private const int NoSuchDevice = 19;
    private const string Program = ProgramNames.PodEgress;

    [Fact]
    public void Every_program_finds_its_hook()
    {
        using var stage = new HookStage(tcx: true);
        var attacher = new TcxAttacher(stage.LinkDirectory);

        foreach (var (program, direction) in ProgramNames.OfEndpoint.Concat(ProgramNames.OfNic))
        {
            Attach(stage, attacher, stage.Datapath, program, direction);
        }

        stage.TcxPrograms(TcDirection.Ingress)
            .ShouldBe([Id(stage.Datapath, ProgramNames.PodEgress), Id(stage.Datapath, ProgramNames.NodeIngress)]);
        stage.TcxPrograms(TcDirection.Egress)
            .ShouldBe([Id(stage.Datapath, ProgramNames.PodIngressLearn), Id(stage.Datapath, ProgramNames.NodeEgressLearn)]);
        attacher.AttachedDevices().ShouldBe([HookStage.Device]);
    }

    [Fact]
    public void An_agent_that_starts_over_replaces_the_program_in_its_link()
    {
        using var stage = new HookStage(tcx: true);
        Attach(stage, new TcxAttacher(stage.LinkDirectory), stage.Datapath);
        var link = LinkId(stage);
        using var next = stage.LoadAgain(tcx: true);

        Attach(stage, new TcxAttacher(stage.LinkDirectory), next);

        LinkId(stage).ShouldBe(link, "a new link would leave a moment without the program");
        stage.TcxPrograms(TcDirection.Ingress).ShouldBe([Id(next, Program)]);
    }

    [Fact]
    public void Others_before_and_after_stay_in_their_order()
    {
        using var stage = new HookStage(tcx: true);
        using var before = new ForeignProgram();
        using var after = new ForeignProgram();
        var attacher = new TcxAttacher(stage.LinkDirectory);
        using var first = stage.AttachForeign(before, TcDirection.Ingress);
        Attach(stage, attacher, stage.Datapath);
        using var last = stage.AttachForeign(after, TcDirection.Ingress);

        stage.TcxPrograms(TcDirection.Ingress).ShouldBe([before.Id, Id(stage.Datapath, Program), after.Id]);
        Attach(stage, attacher, stage.Datapath);
        stage.TcxPrograms(TcDirection.Ingress).ShouldBe([before.Id, Id(stage.Datapath, Program), after.Id]);
        attacher.Detach(HookStage.Device, Program, TcDirection.Ingress);
        stage.TcxPrograms(TcDirection.Ingress).ShouldBe([before.Id, after.Id]);
    }

    [Fact]
    public void What_an_earlier_agent_attached_is_no_other_s_and_shows_what_will_be_behind_ours()
    {
        using var stage = new HookStage(tcx: true);
        using var before = new ForeignProgram();
        using var after = new ForeignProgram();
        var attacher = new TcxAttacher(stage.LinkDirectory);
        using var first = stage.AttachForeign(before, TcDirection.Ingress);
        Attach(stage, attacher, stage.Datapath);
        using var last = stage.AttachForeign(after, TcDirection.Ingress);
        using var next = stage.LoadAgain(tcx: true);
        var ours = new HashSet<uint> { Id(next, Program) };

        stage.Namespace.Run(() => attacher.Others(HookStage.Device, TcDirection.Ingress, behindOurs: true, ours)).ShouldBe([after.Id]);
        stage.Namespace.Run(() => attacher.Others(HookStage.Device, TcDirection.Ingress, behindOurs: false, ours)).ShouldBe([before.Id, after.Id]);
    }

    [Fact]
    public void Detach_leaves_no_pin_and_may_come_twice()
    {
        using var stage = new HookStage(tcx: true);
        var attacher = new TcxAttacher(stage.LinkDirectory);
        Attach(stage, attacher, stage.Datapath);

        attacher.Detach(HookStage.Device, Program, TcDirection.Ingress);
        attacher.Detach(HookStage.Device, Program, TcDirection.Ingress);

        stage.TcxPrograms(TcDirection.Ingress).ShouldBeEmpty();
        Directory.EnumerateFileSystemEntries(stage.LinkDirectory).ShouldBeEmpty();
        attacher.AttachedDevices().ShouldBeEmpty();
    }

    [Fact]
    public void The_link_outlives_the_agent()
    {
        using var stage = new HookStage(tcx: true);
        Attach(stage, new TcxAttacher(stage.LinkDirectory), stage.Datapath);
        var id = Id(stage.Datapath, Program);

        stage.Datapath.Dispose();

        stage.TcxPrograms(TcDirection.Ingress).ShouldBe([id]);
    }

    [Fact]
    public void A_device_that_went_is_no_error_to_detach_from()
    {
        using var stage = new HookStage(tcx: true);
        var attacher = new TcxAttacher(stage.LinkDirectory);
        Attach(stage, attacher, stage.Datapath);
        stage.RemoveDevice();

        attacher.AttachedDevices().ShouldBe([HookStage.Device], "its pin is still there to be cleaned up");
        attacher.Detach(HookStage.Device, Program, TcDirection.Ingress);

        Directory.EnumerateFileSystemEntries(stage.LinkDirectory).ShouldBeEmpty();
    }

    [Fact]
    public void A_device_that_took_the_index_of_another_gets_a_link_of_its_own()
    {
        using var stage = new HookStage(tcx: true);
        var attacher = new TcxAttacher(stage.LinkDirectory);
        Attach(stage, attacher, stage.Datapath);
        var link = LinkId(stage);
        stage.RemoveDevice();
        stage.AddDevice();

        Attach(stage, attacher, stage.Datapath);

        LinkId(stage).ShouldNotBe(link);
        stage.TcxPrograms(TcDirection.Ingress).ShouldBe([Id(stage.Datapath, Program)]);
    }

    [Fact]
    public void A_device_that_is_not_there_is_named_by_its_index()
    {
        using var stage = new HookStage(tcx: true);
        stage.RemoveDevice();

        var error = Should.Throw<BpfException>(() => Attach(stage, new TcxAttacher(stage.LinkDirectory), stage.Datapath));

        error.Errno.ShouldBe(NoSuchDevice);
        error.Message.ShouldContain($"attach {Program} to device index {HookStage.Device} (Ingress)");
        Directory.EnumerateFileSystemEntries(stage.LinkDirectory).ShouldBeEmpty();
    }

    [Fact]
    public void A_program_of_another_version_that_has_no_successor_is_taken_off_and_what_is_not_ours_stays()
    {
        using var stage = new HookStage(tcx: true);
        using var foreign = new ForeignProgram();
        var attacher = new TcxAttacher(stage.LinkDirectory);
        Attach(stage, attacher, stage.Datapath);
        var attached = Path.Combine(stage.LinkDirectory, $"{Program}-{HookStage.Device}");
        File.Move(attached, Path.Combine(stage.LinkDirectory, $"oncache_of_old-{HookStage.Device}"));
        using var theirs = stage.AttachForeign(foreign, TcDirection.Ingress);
        foreach (var name in (string[])["theirs-1", "oncache_noted", "oncache_odd-x"])
        {
            BpfException.Check(Interop.Libbpf.bpf_obj_pin(theirs.Value, Path.Combine(stage.LinkDirectory, name)), "pin");
        }

        attacher.AttachedDevices().ShouldBe([HookStage.Device]);
        attacher.DetachUnknown();

        stage.TcxPrograms(TcDirection.Ingress).ShouldBe([foreign.Id]);
        attacher.AttachedDevices().ShouldBeEmpty();
        Directory.GetFiles(stage.LinkDirectory).Length.ShouldBe(3);
    }

    [Fact]
    public void Without_a_link_directory_nothing_is_attached() =>
        new TcxAttacher("/sys/fs/bpf/oncache-never/links").AttachedDevices().ShouldBeEmpty();

    private static void Attach(
        HookStage stage,
        TcxAttacher attacher,
        LoadedDatapath datapath,
        string program = Program,
        TcDirection direction = TcDirection.Ingress) =>
        stage.Namespace.Run(() => attacher.Attach(HookStage.Device, program, direction, datapath.ProgramFd(program)));

    private static uint Id(LoadedDatapath datapath, string program) => datapath.ProgramInfo(program).Id;

    /// <summary>linux/bpf.h, struct bpf_link_info: the id is its second word.</summary>
    private static unsafe uint LinkId(HookStage stage)
    {
        using var link = new FileDescriptor(BpfException.Check(
            Interop.Libbpf.bpf_obj_get(Path.Combine(stage.LinkDirectory, $"{Program}-{HookStage.Device}")), "open the link"));
        var info = stackalloc uint[16];
        var length = 16u * sizeof(uint);
        BpfException.Check(Interop.Libbpf.bpf_obj_get_info_by_fd(link.Value, info, ref length), "read link information");
        return info[1];
    }
}
