using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;
using OnCache.Lab.Tests.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Tests.Commands;

/// <summary>The program as its users run it.</summary>
public sealed class CommandLineTests(TwoNodes fixture) : IClassFixture<TwoNodes>
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "oncache-lab");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("up --nodes 1", "nodes: '1' is not in 2..16")]
    [InlineData("up --nodes two", "nodes: 'two' is not a whole number")]
    [InlineData("up --pods 251", "pods: '251' is not in 1..250")]
    [InlineData("up --mtu 9001", "mtu: '9001' is not in 576..9000")]
    [InlineData("up --rules nft", "rules: 'nft' is not kube-proxy or none")]
    [InlineData("up --name ../etc", "name: '../etc' is not")]
    [InlineData("down --name A", "name: 'A' is not")]
    [InlineData("up --colour red", "--colour")]
    [InlineData("exec", "Required argument missing")]
    [InlineData("traffic run --kind ping --to 10.0.0.1", "kind: 'ping' is not one of tcp-rr")]
    [InlineData("traffic run --kind tcp-rr --to ::1", "to: '::1' is not an IPv4 address")]
    [InlineData("traffic run --kind tcp-rr --to 127.0.0.1 --seconds 0", "seconds: '0' is not above 0")]
    [InlineData("traffic server --bind 127.0.0.1 --port 70000", "port: '70000' is not in 0..65535")]
    [InlineData("demo cluster --rounds 0", "rounds: '0' is not in 1..20")]
    [InlineData("demo cluster --root /nonexistent", "root: '/nonexistent' is not a checkout in which 'make images' was run")]
    [InlineData("demo use-cluster --rounds 0", "rounds: '0' is not in 1..20")]
    [InlineData("demo use-cluster --root /nonexistent", "root: '/nonexistent' is not a checkout of OnCache")]
    [InlineData("bench apply --rounds 21", "rounds: '21' is not in 1..20")]
    [InlineData("bench run --suite huge", "suite: 'huge' is not one of quick, standard, full")]
    [InlineData("bench run --only ping", "only: 'ping' is not one of tcp-rr")]
    [InlineData("bench run --variants overlay,underlay", "variants: 'underlay' is not one of host, host-rules")]
    [InlineData("bench run --rounds 0", "rounds: '0' is not in 1..100")]
    [InlineData("bench run --seconds 0.01", "seconds: '0.01' is not in 0.05..60")]
    [InlineData("bench run --agent /nonexistent", "agent: '/nonexistent' is not an existing program")]
    [InlineData("bench scale --flows 10", "flows: '10' is not in 1000..4000000")]
    [InlineData("bench scale --rounds 0", "rounds: '0' is not in 1..100")]
    [InlineData("bench scale --agent /nonexistent", "agent: '/nonexistent' is not an existing program")]
    [InlineData("bench compare one.json", "Required argument missing")]
    [InlineData("traffic run --kind tcp-rr,ping --to 10.0.0.1", "kind: 'ping' is not one of tcp-rr")]
    [InlineData("demo overlay --agent /nonexistent", "agent: '/nonexistent' is not an existing program, or none")]
    [InlineData("demo overlay --agent none --seconds 1", "seconds: '1' is not in 7.8..3600 for 6 rounds")]
    [InlineData("demo overlay --agent none --rounds 0", "rounds: '0' is not in 1..100")]
    [InlineData("demo overlay --agent none --seconds many", "seconds: 'many' is not a number")]
    [InlineData("cluster up --nodes 9", "nodes: '9' is not in 1..8")]
    [InlineData("cluster up --nodes -1", "nodes: '-1' is not in 1..8")]
    [InlineData("cluster up --mtu 0", "mtu: '0' is not in 576..9000")]
    [InlineData("cluster up --root /nonexistent", "oncache-agent.tar is missing, without which there is --bare")]
    [InlineData("cluster kubectl", "Required argument missing")]
    [InlineData("cluster down --name ../etc", "name: '../etc' is not")]
    public async Task A_wrong_command_line_is_one_line_and_status_2(string arguments, string message)
    {
        var result = await RunAsync(arguments.Split(' '));

        result.ExitCode.ShouldBe(2);
        result.Error.ShouldStartWith("oncache-lab: ");
        result.Error.ShouldContain(message);
        result.Error.Trim().Split('\n').Length.ShouldBe(1);
        result.Output.ShouldBeEmpty();
    }

    [Fact]
    public async Task Without_root_it_says_so_with_status_1()
    {
        LiveLab.Require();
        var result = await Tool.RunAsync(
            "setpriv", ["--reuid=65534", "--clear-groups", Program, "up", "--name", "unprivileged"], null, Cancellation);
        Assert.SkipUnless(result.ExitCode != 127, "needs a build folder that other users may read");

        result.ExitCode.ShouldBe(1);
        result.Error.ShouldContain("oncache-lab: the lab needs root");
        OverlayLab.List().ShouldNotContain("unprivileged");
    }

    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 7", 7)]
    [InlineData("kill -TERM $$", 143)]
    public async Task Exec_passes_the_exit_status(string script, int status) => (await ExecAsync("n1p1", "sh", "-c", script)).ExitCode.ShouldBe(status);

    [Fact]
    public async Task Exec_runs_inside_with_the_bpf_file_system_in_sight()
    {
        var (node, pod) = (fixture.Lab.Nodes[0], fixture.Lab.Nodes[0].Pods[0]);
        (await ExecAsync("n1p1", "ip", "-o", "-4", "address", "show", "eth0")).EnsureSuccess().Output.ShouldContain($"{pod.Address}/24");
        (await ExecAsync("n1", "ls", "-d", node.BpfRoot)).EnsureSuccess().Output.Trim().ShouldBe(node.BpfRoot);
        (await ExecAsync("n1", "stat", "-f", "-c", "%T", node.BpfRoot)).EnsureSuccess().Output.Trim().ShouldBe("bpf_fs");
    }

    [Fact]
    public async Task Exec_of_what_is_not_there_is_one_clear_line()
    {
        var command = await ExecAsync("n1", "no-such-command");
        command.ExitCode.ShouldBe(127);
        command.Error.Trim().ShouldBe("oncache-lab: no-such-command: No such file or directory");
        var member = await ExecAsync("n3", "true");
        member.ExitCode.ShouldBe(1);
        member.Error.Trim().ShouldBe($"oncache-lab: lab '{fixture.Lab.Name}' has no 'n3': it has n1 n1p1 n1p2 n2 n2p1 n2p2");
        var lab = await RunAsync("exec", "--name", "nowhere", "n1", "--", "true");
        lab.ExitCode.ShouldBe(1);
        lab.Error.ShouldContain("lab 'nowhere' does not exist");
    }

    [Fact]
    public async Task Up_status_and_down_work_together_and_down_may_be_repeated()
    {
        LiveLab.Require();
        var name = new LabOptions().Name;
        try
        {
            (await RunAsync("up", "--name", name, "--nodes", "3", "--pods", "2", "--mtu", "1400", "--rules", "none")).EnsureSuccess()
                .Output.ShouldContain("n3 192.168.77.3, pods n3p1 10.244.3.2 to n3p2 10.244.3.3");
            (await RunAsync("status")).EnsureSuccess().Output.ShouldContain($"{name}: up, 3 nodes, 6 pods, 0 processes");
            OverlayLab.Load(name).PodMtu.ShouldBe(1350);
            (await RunAsync("up", "--name", name)).ExitCode.ShouldBe(1);
            (await RunAsync("exec", "--name", name, "n3p2", "--", "ip", "link")).EnsureSuccess();
        }
        finally
        {
            (await RunAsync("down", "--name", name)).EnsureSuccess();
        }

        (await RunAsync("down", "--name", name)).EnsureSuccess();
        OverlayLab.List().ShouldNotContain(name);
    }

    [Fact]
    public async Task Down_ends_what_exec_started()
    {
        LiveLab.Require();
        var name = new LabOptions().Name;
        (await RunAsync("up", "--name", name)).EnsureSuccess();
        await using var background = LabProcess.Start(Program, ["exec", "--name", name, "n1p1", "--", "sh", "-c", "echo started; exec sleep 1000"]);
        try
        {
            await background.WaitForOutputAsync("started", Liveness.Limit, Cancellation);
        }
        finally
        {
            (await RunAsync("down", "--name", name)).EnsureSuccess();
        }

        (await background.WaitAsync(Cancellation)).ExitCode.ShouldBe(143);
    }

    private static Task<CommandResult> RunAsync(params string[] arguments) => Tool.RunAsync(Program, arguments, null, Cancellation);

    private Task<CommandResult> ExecAsync(string member, params string[] command) =>
        RunAsync(["exec", "--name", fixture.Lab.Name, member, "--", .. command]);
}
