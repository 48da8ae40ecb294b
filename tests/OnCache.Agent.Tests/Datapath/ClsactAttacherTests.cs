using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Tests.Bpf;

namespace OnCache.Agent.Tests.Datapath;

public sealed class ClsactAttacherTests
{
    private const int NoSuchDevice = 19;
    private const uint Priority = 50;
    private const uint OurHandle = 0x4f43;
    private const string Program = ProgramNames.PodEgress;

    private static readonly ClsactAttacher s_attacher = new(Priority, static () => [HookStage.Device, HookStage.Device + 1]);

    [Fact]
    public void Attach_creates_the_qdisc_and_takes_our_handle_and_priority()
    {
        using var stage = new HookStage(tcx: false);

        Attach(stage, stage.Datapath);

        var filter = Filters(stage);
        filter.ShouldContain($"pref {Priority} bpf");
        filter.ShouldContain($"handle 0x{OurHandle:x}");
        filter.ShouldContain("oncache_");
        filter.ShouldContain("direct-action");
        stage.Namespace.Run(s_attacher.AttachedDevices).ShouldBe([HookStage.Device]);
    }

    [Fact]
    public void An_agent_that_starts_over_replaces_the_program_in_one_step()
    {
        using var stage = new HookStage(tcx: false);
        Attach(stage, stage.Datapath);
        using var next = stage.LoadAgain(tcx: false);

        Attach(stage, next);

        Filters(stage).ShouldContain($" id {next.ProgramInfo(Program).Id} ");
        Filters(stage).ShouldNotContain($" id {stage.Datapath.ProgramInfo(Program).Id} ");
    }

    [Fact]
    public void A_foreign_program_in_our_place_is_named_and_stays()
    {
        using var stage = new HookStage(tcx: false);
        using var foreign = new ForeignProgram();
        AttachForeign(stage, foreign, Priority);
        var before = Filters(stage);

        var message = Should.Throw<BpfException>(() => Attach(stage, stage.Datapath)).Message;

        message.ShouldContain($"attach {Program} to device index {HookStage.Device} (Ingress)");
        message.ShouldContain($"priority {Priority} belongs to the program {ForeignProgram.Name}; choose another with --tc-priority");
        stage.Namespace.Run(() => s_attacher.Detach(HookStage.Device, Program, TcDirection.Ingress));
        Filters(stage).ShouldBe(before);
        stage.Namespace.Run(s_attacher.AttachedDevices).ShouldBeEmpty();
    }

    [Fact]
    public void A_filter_of_another_kind_at_our_priority_is_named_and_stays()
    {
        using var stage = new HookStage(tcx: false);
        stage.Namespace.Tc("qdisc add dev hooked clsact");
        stage.Namespace.Tc($"filter add dev hooked ingress pref {Priority} protocol all u32 match u32 0 0 flowid 1:1");
        var before = Filters(stage);

        var message = Should.Throw<BpfException>(() => Attach(stage, stage.Datapath)).Message;

        message.ShouldContain($"attach {Program} to device index {HookStage.Device} (Ingress)");
        message.ShouldContain($"priority {Priority} may belong to a filter of another kind; choose another with --tc-priority");
        message.ShouldNotContain('\n');
        Filters(stage).ShouldBe(before);
    }

    [Fact]
    public void Detach_takes_ours_alone_and_leaves_the_qdisc()
    {
        using var stage = new HookStage(tcx: false);
        using var foreign = new ForeignProgram();
        AttachForeign(stage, foreign, Priority - 1);
        stage.Namespace.Tc($"filter add dev hooked ingress pref {Priority + 1} protocol all u32 match u32 0 0 flowid 1:1");
        var before = Filters(stage);
        Attach(stage, stage.Datapath);

        stage.Namespace.Run(() => s_attacher.Detach(HookStage.Device, Program, TcDirection.Ingress));
        stage.Namespace.Run(() => s_attacher.Detach(HookStage.Device, Program, TcDirection.Ingress));

        Filters(stage).ShouldBe(before);
        stage.Namespace.Tc("qdisc show dev hooked").ShouldContain("clsact");
    }

    [Fact]
    public void The_qdisc_stays_also_where_we_created_it()
    {
        using var stage = new HookStage(tcx: false);
        Attach(stage, stage.Datapath);

        stage.Namespace.Run(() => s_attacher.Detach(HookStage.Device, Program, TcDirection.Ingress));

        Filters(stage).ShouldNotContain("oncache_");
        stage.Namespace.Tc("qdisc show dev hooked").ShouldContain("clsact", customMessage: "others may have come to rely on it");
    }

    [Fact]
    public void A_device_without_the_qdisc_or_that_went_is_no_error_to_detach_from()
    {
        using var stage = new HookStage(tcx: false);

        stage.Namespace.Run(() => s_attacher.Detach(HookStage.Device, Program, TcDirection.Ingress));
        stage.RemoveDevice();
        stage.Namespace.Run(() => s_attacher.Detach(HookStage.Device, Program, TcDirection.Ingress));

        stage.Namespace.Run(s_attacher.AttachedDevices).ShouldBeEmpty();
    }

    [Fact]
    public void A_device_that_is_not_there_is_named_by_its_index()
    {
        using var stage = new HookStage(tcx: false);
        stage.RemoveDevice();

        var error = Should.Throw<BpfException>(() => Attach(stage, stage.Datapath));

        error.Errno.ShouldBe(NoSuchDevice);
        error.Message.ShouldContain($"device index {HookStage.Device}");
    }

    private static void Attach(HookStage stage, LoadedDatapath datapath) =>
        stage.Namespace.Run(() => s_attacher.Attach(HookStage.Device, Program, TcDirection.Ingress, datapath.ProgramFd(Program)));

    private static string Filters(HookStage stage) => stage.Namespace.Tc("filter show dev hooked ingress");

    private static unsafe void AttachForeign(HookStage stage, ForeignProgram program, uint priority) => stage.Namespace.Run(() =>
    {
        var hook = new Interop.Libbpf.bpf_tc_hook
        {
            sz = (nuint)sizeof(Interop.Libbpf.bpf_tc_hook),
            ifindex = HookStage.Device,
            attach_point = Interop.Libbpf.BPF_TC_INGRESS,
        };
        var options = new Interop.Libbpf.bpf_tc_opts
        {
            sz = (nuint)sizeof(Interop.Libbpf.bpf_tc_opts),
            prog_fd = program.Descriptor,
            handle = OurHandle,
            priority = priority,
        };
        BpfException.Check(Interop.Libbpf.bpf_tc_hook_create(ref hook), "create the qdisc");
        BpfException.Check(Interop.Libbpf.bpf_tc_attach(ref hook, ref options), "attach");
    });
}
