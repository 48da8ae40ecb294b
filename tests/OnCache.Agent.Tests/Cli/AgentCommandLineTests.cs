using Microsoft.Extensions.Logging;
using OnCache.Agent.Cli;
using OnCache.Agent.Configuration;
using OnCache.Agent.Telemetry;
using OnCache.Agent.Tests.Configuration;
using OnCache.Agent.Tests.Telemetry;
using OnCache.Kubernetes.Cli;
using OnCache.Kubernetes.Entities;

namespace OnCache.Agent.Tests.Cli;

public sealed class AgentCommandLineTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Operations _operations = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    private string Config => _folder.Path("node.yaml");

    private string Socket => _folder.Path("agent.sock");

    [Theory]
    [InlineData("", "Required command was not provided")]
    [InlineData("fly", "fly is not a command or option known here")]
    [InlineData("run", "run: name either a configuration by --config FILE or, in a cluster, this node by --node NAME")]
    [InlineData("run --config x --node n1", "run: name either a configuration by --config FILE or, in a cluster, this node by --node NAME")]
    [InlineData("run --config x --kubeconfig k", "--kubeconfig: goes with --node NAME")]
    [InlineData("run --config x --pod a/b", "--pod: goes with --node NAME")]
    [InlineData("run --node n --pod agent", "--pod: agent is not accepted; use namespace and name of the agent's own pod")]
    [InlineData("run --config x --cni-policies none", "--cni-policies: goes with --node NAME")]
    [InlineData("run --node n --cni-policies a,b.c", "--cni-policies: a,b.c is not accepted; use names of definitions such as networkpolicies.crd.antrea.io, separated by commas, or none")]
    [InlineData("run --node N_1", "--node: N_1 is not accepted; use the name that kubectl get nodes shows")]
    [InlineData("run --config x --speed 9", "--speed is not a command or option known here")]
    [InlineData("run --config x --mark-bit 32", "--mark-bit: 32 is not accepted; use 0 to 31")]
    [InlineData("run --config x --mark-bit high", "--mark-bit: high is not accepted; use 0 to 31")]
    [InlineData("run --config x --tc-priority 0", "--tc-priority: 0 is not accepted; use 1 to 65535")]
    [InlineData("run --config x --attach xdp", "--attach: xdp is not accepted; use auto, tcx, clsact")]
    [InlineData("run --config x --heartbeat-timeout 5", "--heartbeat-timeout: 5 is not accepted; use a duration from 1s to 1m")]
    [InlineData("run --config x --heartbeat-timeout 2m", "--heartbeat-timeout: 2m is not accepted; use a duration from 1s to 1m")]
    [InlineData("run --config x --log-level loud", "--log-level: loud is not accepted; use trace, debug, info, warn, error")]
    [InlineData("run --config x --tunnel-device a/b", "--tunnel-device: a/b is not accepted; use the name of a network device")]
    [InlineData("run --config x --tunnel-device a234567890123456", "--tunnel-device: a234567890123456 is not accepted; use the name of a network device")]
    [InlineData("run --config x --pin-root pins", "--pin-root: pins is not accepted; use an absolute path on a bpffs")]
    [InlineData("run --config x --health 9471", "--health: 9471 is not accepted; use an address of this node and a port, such as 127.0.0.1:9471")]
    [InlineData("status --socket agent.sock", "--socket: agent.sock is not accepted; use an absolute path")]
    [InlineData("status -o xml", "--output: xml is not accepted; use text, json")]
    [InlineData("flush", "flush: use either --endpoint NAMESPACE/NAME or --all")]
    [InlineData("flush --all --endpoint a/b", "flush: use either --endpoint NAMESPACE/NAME or --all")]
    public async Task A_wrong_command_line_is_one_line_and_status_2(string line, string expected)
    {
        (await InvokeAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries))).ShouldBe(2);

        _error.ToString().ShouldBe($"oncache-agent: {expected} (see oncache-agent --help)\n");
        _operations.Started.ShouldBeNull();
    }

    [Fact]
    public async Task A_socket_path_longer_than_the_kernel_takes_is_refused()
    {
        (await InvokeAsync("status", "--socket", "/" + new string('s', 107))).ShouldBe(2);

        _error.ToString().ShouldContain("use a path of at most 107 bytes");
    }

    [Fact]
    public async Task Run_starts_the_agent_with_its_defaults()
    {
        await File.WriteAllTextAsync(Config, ConfigurationText.Minimal("n7"), _cancellation);

        (await InvokeAsync("run", "--config", Config)).ShouldBe(0);

        _operations.Started.ShouldBe(new AgentSettings { Config = Config });
        _operations.Node.ShouldBe("n7");
        _error.ToString().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("none", "")]
    [InlineData("a.example.org,b.example.org,a.example.org", "a.example.org b.example.org")]
    public async Task The_kinds_of_the_CNI_are_those_that_are_named(string value, string expected)
    {
        await InvokeAsync("run", "--node", "n1", "--cni-policies", value);

        string.Join(' ', _operations.Started.ShouldNotBeNull().CniPolicies).ShouldBe(expected);
    }

    [Fact]
    public async Task The_pod_that_the_agent_is_reaches_it()
    {
        await InvokeAsync("run", "--node", "n1", "--pod", "oncache-system/oncache-agent-x2v");

        _operations.Started.ShouldNotBeNull().Pod.ShouldBe(new NamespacedName("oncache-system", "oncache-agent-x2v"));
    }

    [Fact]
    public async Task Every_setting_reaches_the_agent()
    {
        await File.WriteAllTextAsync(Config, ConfigurationText.Minimal("n1"), _cancellation);

        (await InvokeAsync(
            "run", "--config", Config, "--pin-root", "/sys/fs/bpf/x", "--socket", "/run/x.sock", "--attach", "clsact", "--tunnel-device", "vxlan0",
            "--mark-bit", "3", "--tc-priority", "7", "--heartbeat-timeout", "1500ms", "--log-level", "warn")).ShouldBe(0);

        _operations.Started.ShouldBe(new AgentSettings
        {
            Config = Config,
            PinRoot = "/sys/fs/bpf/x",
            Socket = "/run/x.sock",
            Attach = AttachMode.Clsact,
            TunnelDevice = "vxlan0",
            MarkBit = 3,
            TcPriority = 7,
            HeartbeatTimeout = TimeSpan.FromSeconds(1.5),
            LogLevel = LogLevel.Warning,
        });
    }

    [Fact]
    public async Task A_wrong_configuration_is_a_line_per_problem_status_2_and_starts_nothing()
    {
        await File.WriteAllTextAsync(Config, ConfigurationText.Minimal("N1"), _cancellation);

        (await InvokeAsync("run", "--config", Config)).ShouldBe(2);

        _error.ToString().ShouldBe(
            $"""
            oncache-agent: {Config}:3: metadata.name: "N1" is not a name; use lower-case letters, digits, '-' and '.'
            oncache-agent: {Config}:9: metadata.name: "N1" is not a name; use lower-case letters, digits, '-' and '.'

            """);
        _operations.Started.ShouldBeNull();
    }

    [Fact]
    public async Task What_goes_wrong_at_run_time_is_one_line_and_status_1()
    {
        _operations.Failure = new InvalidOperationException("no BTF\nat all");

        (await InvokeAsync("uninstall")).ShouldBe(1);

        _error.ToString().ShouldBe("oncache-agent: no BTF at all\n");
    }

    [Fact]
    public async Task The_stack_is_for_whoever_asks_for_it()
    {
        _operations.Failure = new InvalidOperationException("no BTF");

        (await InvokeAsync("uninstall", "--log-level", "debug")).ShouldBe(1);

        _error.ToString().ShouldContain(nameof(Operations.UninstallAsync));
    }

    [Fact]
    public async Task Being_told_to_stop_is_no_failure()
    {
        await File.WriteAllTextAsync(Config, ConfigurationText.Minimal("n1"), _cancellation);
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        _operations.Failure = new OperationCanceledException(stop.Token);

        (await AgentCommandLine.InvokeAsync(["run", "--config", Config], _operations, new Streams(AgentCommandLine.Program, _output, _error), stop.Token)).ShouldBe(0);

        _error.ToString().ShouldBeEmpty();
    }

    [Fact]
    public async Task Uninstall_knows_where_the_pins_are()
    {
        (await InvokeAsync("uninstall", "--pin-root", "/sys/fs/bpf/x")).ShouldBe(0);

        _operations.Uninstalled.ShouldBe(new UninstallSettings("/sys/fs/bpf/x", AgentSettings.DefaultSocket, AgentSettings.DefaultConntrackSysctl, LogLevel.Information));
    }

    [Theory]
    [InlineData("status")]
    [InlineData("flush", "--all")]
    public async Task Without_an_agent_the_verbs_ask_whether_it_runs(params string[] verb)
    {
        (await InvokeAsync([.. verb, "--socket", Socket])).ShouldBe(1);

        _error.ToString().ShouldBe($"oncache-agent: no agent answers on {Socket}: is it running?\n");
    }

    [Fact]
    public async Task Status_is_text_or_the_agents_own_JSON()
    {
        await using var server = await StatusServer.StartAsync(Socket, null, new StatusSample(), new StatusSample(), () => "", _cancellation);

        (await InvokeAsync("status", "--socket", Socket)).ShouldBe(0);
        _output.ToString().ShouldBe(StatusText.Of(StatusSample.Ready));

        _output.GetStringBuilder().Clear();
        (await InvokeAsync("status", "--socket", Socket, "-o", "json")).ShouldBe(0);
        _output.ToString().ShouldStartWith("{\n  \"version\": \"1.2.3\"");
    }

    [Fact]
    public async Task Flush_tells_what_it_did()
    {
        var sample = new StatusSample();
        await using var server = await StatusServer.StartAsync(Socket, null, sample, sample, () => "", _cancellation);

        (await InvokeAsync("flush", "--socket", Socket, "--endpoint", "default/n1p1")).ShouldBe(0);
        (await InvokeAsync("flush", "--socket", Socket, "--all")).ShouldBe(0);
        (await InvokeAsync("flush", "--socket", Socket, "--endpoint", "10.9.9.9")).ShouldBe(1);

        _output.ToString().ShouldBe("flushed 1 endpoint in 42 us\nflushed 3 endpoints in 42 us\n");
        _error.ToString().ShouldBe("oncache-agent: no endpoint is named or addressed 10.9.9.9\n");
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("run", "--help")]
    [InlineData("--version")]
    public async Task Help_and_version_are_no_errors(params string[] arguments)
    {
        (await InvokeAsync(arguments)).ShouldBe(0);

        _output.ToString().ShouldNotBeEmpty();
        _error.ToString().ShouldBeEmpty();
    }

    [Fact]
    public async Task In_a_cluster_no_file_is_read()
    {
        (await InvokeAsync("run", "--node", "n1", "--kubeconfig", "/nowhere")).ShouldBe(ExitStatus.Success);

        _operations.Started!.Config.ShouldBeNull();
        _operations.Node.ShouldBe("n1");
        _operations.Started.Kubeconfig.ShouldBe("/nowhere");
    }

    public void Dispose()
    {
        _folder.Dispose();
        _output.Dispose();
        _error.Dispose();
    }

    private Task<int> InvokeAsync(params string[] arguments) =>
        AgentCommandLine.InvokeAsync(arguments, _operations, new Streams(AgentCommandLine.Program, _output, _error), _cancellation);

    private sealed class Operations : IAgentOperations
    {
        public AgentSettings? Started { get; private set; }

        public string? Node { get; private set; }

        public UninstallSettings? Uninstalled { get; private set; }

        public Exception? Failure { get; set; }

        public Task<int> RunAsync(AgentSettings settings, IConfigurationSource configuration, ILoggerFactory loggers, CancellationToken cancellationToken)
        {
            Started = settings;
            Node = configuration.Current.Node.Metadata.Name;
            return Failure is null ? Task.FromResult(ExitStatus.Success) : throw Failure;
        }

        public Task<int> RunInClusterAsync(AgentSettings settings, ILoggerFactory loggers, CancellationToken cancellationToken)
        {
            Started = settings;
            Node = settings.Node;
            return Failure is null ? Task.FromResult(ExitStatus.Success) : throw Failure;
        }

        public Task<int> UninstallAsync(UninstallSettings settings, ILoggerFactory loggers, CancellationToken cancellationToken)
        {
            Uninstalled = settings;
            return Failure is null ? Task.FromResult(ExitStatus.Success) : throw Failure;
        }
    }
}
