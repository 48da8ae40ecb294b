using OnCache.Agent.Datapath;

namespace OnCache.Agent.Tests.Datapath;

public sealed class KernelCapabilitiesTests
{
    private static readonly string[] s_all =
        ["bpf_skb_ct_lookup", "bpf_ct_change_timeout", "bpf_rdonly_cast", "bpf_cast_to_kern_ctx", "tcx_link_attach"];

    [Fact]
    public void A_new_kernel_has_all() =>
        KernelCapabilities.Judge("6.18.0", Without())
            .ShouldBe(new KernelCapabilities("6.18.0", ConntrackLookup: true, SkbConntrack: true, Tcx: true));

    [Fact]
    public void A_kernel_before_6_6_gets_clsact() => KernelCapabilities.Judge("6.1.0", Without("tcx_link_attach")).Tcx.ShouldBeFalse();

    [Theory]
    [InlineData("bpf_rdonly_cast")]
    [InlineData("bpf_cast_to_kern_ctx")]
    public void A_kernel_before_6_2_accelerates_no_echo(string missing) =>
        KernelCapabilities.Judge("6.1.0", Without(missing)).SkbConntrack.ShouldBeFalse();

    [Theory]
    [InlineData("bpf_skb_ct_lookup")]
    [InlineData("bpf_ct_change_timeout")]
    public void Without_conntrack_the_message_says_what_to_use(string missing)
    {
        var message = Should.Throw<DatapathException>(() => KernelCapabilities.Judge("5.15.0", Without(missing))).Message;

        message.ShouldContain("kernel 5.15.0");
        message.ShouldContain("Linux 6.1 or newer");
        message.ShouldContain("modprobe nf_conntrack");
        message.ShouldNotContain('\n');
    }

    [Fact]
    public void Without_btf_the_message_names_the_file_and_the_option()
    {
        var message = Should.Throw<DatapathException>(() => KernelCapabilities.Judge("4.19.0", hasFunction: null)).Message;

        message.ShouldContain("/sys/kernel/btf/vmlinux");
        message.ShouldContain("CONFIG_DEBUG_INFO_BTF=y");
    }

    [Theory]
    [InlineData("000001ffffffffff")]
    [InlineData("000000c000001000")] // net_admin, perfmon, bpf
    [InlineData("0000000000201000")] // net_admin, sys_admin
    public void Enough_capabilities_pass(string effective) =>
        Should.NotThrow(() => KernelCapabilities.RequireProcessKernelCapabilities(Status(effective)));

    [Theory]
    [InlineData("0000000000000000", "CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON")]
    [InlineData("000000c000000000", "CAP_NET_ADMIN")]
    [InlineData("0000004000001000", "CAP_BPF")]
    [InlineData("0000008000001000", "CAP_PERFMON")]
    [InlineData("0000000000200000", "CAP_NET_ADMIN")]
    public void Missing_capabilities_are_named(string effective, string named) =>
        Should.Throw<DatapathException>(() => KernelCapabilities.RequireProcessKernelCapabilities(Status(effective)))
            .Message.ShouldBe($"the agent lacks {named}; run it as root or grant them");

    [Fact]
    public void This_process_status_can_be_read() =>
        Should.NotThrow(() =>
        {
            try
            {
                KernelCapabilities.RequireProcessKernelCapabilities(File.ReadAllText("/proc/self/status"));
            }
            catch (DatapathException)
            {
                // Without root; that the text was understood is all that is asked.
            }
        });

    private static Func<string, bool> Without(string? missing = null) => name => name != missing && s_all.Contains(name);

    private static string Status(string effective) =>
        $"Name:\toncache-agent\nCapPrm:\t000001ffffffffff\nCapEff:\t{effective}\nCapBnd:\t000001ffffffffff\n";
}
