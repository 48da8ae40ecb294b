using System.Text.RegularExpressions;
using OnCache.EndToEnd.Fixture;

namespace OnCache.EndToEnd;

/// <summary>What is wrong is said in one line, and nothing is touched.</summary>
public sealed partial class BadInputTests(PlainLab shared) : IClassFixture<PlainLab>
{
    private const int Failure = 1;
    private const int Usage = 2;

    public static TheoryData<string, string> WrongFields => new()
    {
        { "  setle: 1s", "spec.setle: the field is unknown" },
        { "  lease: often", "spec.lease: often is not a duration" },
        { "  cacheSizes: 7", "spec.cacheSizes" },
        { "  cacheSizes: { filter: many }", "spec.cacheSizes.filter: \"many\" is text" },
        { "  cacheSizes: { ingress: 0 }", "spec.cacheSizes.ingress: 0 is out of range" },
        { "  exclusions: { cidrs: [10.0.0.0/33] }", "spec.exclusions.cidrs[0]: 10.0.0.0/33" },
    };

    [Theory]
    [MemberData(nameof(WrongFields))]
    public Task A_wrong_field_is_named_with_its_line(string line, string expected) => RefusesAsync(
        Usage,
        expected,
        async (agent, arguments) =>
        {
            var right = new AgentConfig();
            var text = right.Render(agent.Node);
            text = line.Contains("lease", StringComparison.Ordinal) ? text.Replace($"  lease: {right.Lease}\n", "", StringComparison.Ordinal) : text;
            text = text.Replace("spec:\n", $"spec:\n{line}\n", StringComparison.Ordinal);
            await File.WriteAllTextAsync(agent.ConfigPath, text, TestContext.Current.CancellationToken);
            return arguments;
        });

    [Fact]
    public Task A_missing_file_is_named() => RefusesAsync(
        Usage, "/nonexistent/node.yaml: does not exist", ["--config", "/nonexistent/node.yaml"], replaces: "--config");

    [Theory]
    [InlineData("--attach", "magic", Usage, "--attach: magic is not accepted")]
    [InlineData("--heartbeat-timeout", "1h", Usage, "--heartbeat-timeout: 1h is not accepted")]
    [InlineData("--mark-bit", "32", Usage, "--mark-bit: 32 is not accepted")]
    [InlineData("--frobnicate", "now", Usage, "--frobnicate")]
    [InlineData("--tunnel-device", "nosuch0", Failure, "tunnel nosuch0: no such device")]
    [InlineData("--tunnel-device", "eth0", Failure, "tunnel eth0: kind is 'veth', must be 'vxlan'")]
    public Task An_option_that_cannot_be_is_named(string option, string value, int exit, string expected) =>
        RefusesAsync(exit, expected, [option, value]);

    [Fact]
    public Task A_pin_root_outside_a_bpf_filesystem_is_named() => RefusesAsync(
        Failure,
        "--pin-root: /tmp/oncache-nowhere is not on a BPF filesystem",
        ["--pin-root", "/tmp/oncache-nowhere"],
        replaces: "--pin-root");

    [Fact]
    public async Task Two_vxlan_devices_are_named_and_one_has_to_be_chosen()
    {
        var node = shared.Ready().Agents[0].Node;
        await node.DoAsync("ip link add vxlan9 type vxlan id 9 dev eth0 dstport 4789");
        try
        {
            await node.DoAsync("ip link set vxlan9 up");
            await RefusesAsync(Failure, "tunnel: several VXLAN devices are up (flannel.1, vxlan9)", []);
        }
        finally
        {
            await node.UndoAsync("ip link delete vxlan9");
        }
    }

    [Fact]
    public async Task A_priority_that_is_taken_is_named_and_nothing_stays_half_attached()
    {
        var node = shared.Ready().Agents[0].Node;
        await node.DoAsync($"tc qdisc add dev {node.UnderlayDevice} clsact");
        try
        {
            await node.DoAsync($"tc filter add dev {node.UnderlayDevice} ingress prio 77 protocol ip u32 match u32 0 0 flowid 1:1");
            // It gets as far as to flush, and logs that.
            await RefusesAsync(Failure, "attach oncache_node_ingress to device", static (_, arguments) => Task.FromResult<string[]>([.. arguments, "--attach", "clsact", "--tc-priority", "77"]), mayLog: true);
        }
        finally
        {
            await node.UndoAsync($"tc qdisc delete dev {node.UnderlayDevice} clsact");
        }
    }

    [Theory]
    [InlineData("-all", "CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON")]
    [InlineData("-net_admin", "CAP_NET_ADMIN")]
    public async Task Missing_capabilities_are_named(string dropped, string missing)
    {
        var agent = shared.Ready().Agents[0];
        await agent.ConfigureAsync(new AgentConfig());
        var before = Footprint.Of(agent.Node);

        var result = await agent.Node.RunCommandAsync(
            "setpriv",
            [$"--inh-caps={dropped}", $"--bounding-set={dropped}", LabAgent.Program, .. agent.RunArguments()],
            TestContext.Current.CancellationToken);

        Check(result, Failure, $"the agent lacks {missing}; run it as root or grant them");
        Footprint.Of(agent.Node).ShouldBe(before);
    }

    /// <summary>Under another socket, or where somebody has deleted the first one's: neither an agent nor the verb that removes all.</summary>
    [Fact]
    public async Task A_second_agent_over_the_same_pins_is_refused_and_harms_nothing()
    {
        var agent = shared.Ready().Agents[0];
        await agent.StartAsync(new AgentConfig());
        try
        {
            var (before, elsewhere) = (Footprint.Of(agent.Node), $"{agent.Socket}.twin");
            var expected = $"--pin-root: another agent works in {agent.Node.BpfRoot}; stop it, or choose another directory for another node";

            Check(await agent.RunVerbAsync("run", "--config", agent.ConfigPath, "--pin-root", agent.Node.BpfRoot, "--socket", elsewhere), Failure, expected);
            Check(await agent.RunVerbAsync("uninstall", "--pin-root", agent.Node.BpfRoot, "--socket", elsewhere), Failure, expected);

            Footprint.Of(agent.Node).ShouldBe(before);
            (await agent.StatusAsync()).Ready.ShouldBeTrue();
        }
        finally
        {
            await agent.KillAsync();
            await agent.UninstallAsync();
        }
    }

    private Task RefusesAsync(int exit, string expected, string[] options, string? replaces = null) => RefusesAsync(
        exit,
        expected,
        async (agent, arguments) =>
        {
            await agent.ConfigureAsync(new AgentConfig());
            var replaced = replaces is null ? -1 : Array.IndexOf(arguments, replaces);
            string[] kept = replaced < 0 ? arguments : [.. arguments[..replaced], .. arguments[(replaced + 2)..]];
            return [.. kept, .. options];
        });

    private async Task RefusesAsync(int exit, string expected, Func<LabAgent, string[], Task<string[]>> prepare, bool mayLog = false)
    {
        var agent = shared.Ready().Agents[0];
        var before = Footprint.Of(agent.Node);
        var arguments = await prepare(agent, agent.RunArguments());

        var result = await agent.RunVerbAsync(arguments);

        Check(result, exit, expected, mayLog);
        Footprint.Of(agent.Node).ShouldBe(before);
        File.Exists(agent.Socket).ShouldBeFalse();
    }

    private static void Check(OnCache.Lab.Namespaces.CommandResult result, int exit, string expected, bool mayLog = false)
    {
        result.ExitCode.ShouldBe(exit, result.Error);
        var said = result.Error.Trim().Split('\n').Where(line => !mayLog || !LogLine().IsMatch(line)).ShouldHaveSingleItem(result.Error);
        said.ShouldStartWith("oncache-agent: ");
        said.ShouldContain(expected);
        result.Output.ShouldBeEmpty();
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\S+Z (info|warn) ", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LogLine();
}
