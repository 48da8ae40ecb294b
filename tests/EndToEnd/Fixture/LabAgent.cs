using System.Globalization;
using System.Text.Json;
using OnCache.Agent.Coherence;
using OnCache.Agent.Telemetry;
using OnCache.EndToEnd.Traffic;
using OnCache.Kubernetes.Cli;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd.Fixture;

/// <summary>The agent of one node, as the process that is shipped. May be started, stopped and killed many times.</summary>
internal sealed class LabAgent(LabNode node, string folder) : IAsyncDisposable
{
    private const int Kill = 9;
    private const int Stop = 19;
    private const int Continue = 18;
    private LabProcess? process;

    /// <summary>The native program of the image where ONCACHE_TESTED_AGENT names it, as in a run of all tests; else the one that the build has put beside the tests.</summary>
    public static string Program { get; } = Environment.GetEnvironmentVariable("ONCACHE_TESTED_AGENT") is { Length: > 0 } shipped
        ? File.Exists(shipped) ? shipped : throw new InvalidOperationException($"ONCACHE_TESTED_AGENT: {shipped} is not there; make images builds it")
        : Path.Combine(AppContext.BaseDirectory, "oncache-agent");

    /// <summary>A build of other map layouts, as a later one might have them.</summary>
    public static string NextProgram { get; } = Path.Combine(AppContext.BaseDirectory, "next", "oncache-agent-next");

    /// <summary>A build that is wrong on purpose: no change of a route reaches it.</summary>
    public static string DeafProgram { get; } = Path.Combine(AppContext.BaseDirectory, "deaf", "oncache-agent-deaf");

    /// <summary>What is started as this agent.</summary>
    public string Executable { get; set; } = Program;

    public LabNode Node => node;

    public string Socket { get; } = Path.Combine(folder, $"{node.Name}.sock");

    public string ConfigPath { get; } = Path.Combine(folder, $"{node.Name}-agent.yaml");

    public AgentConfig Config { get; private set; } = new();

    public bool IsRunning => process is { HasExited: false };

    public int ProcessId => process!.Id;

    /// <summary>What the present process has logged.</summary>
    public string Log => process?.Error ?? "";

    /// <summary>Starts the agent and waits until it says it is ready.</summary>
    public async Task StartAsync(AgentConfig? config = null, params string[] options)
    {
        await WriteAsync(config ?? Config);
        await EndAsync();
        process = node.StartProcess(Executable, RunArguments(options));
        _ = await UntilAsync(static status => status.Ready, "ready");
    }

    public string[] RunArguments(params string[] options) =>
        ["run", "--config", ConfigPath, "--pin-root", node.BpfRoot, "--socket", Socket, .. options];

    /// <summary>SIGTERM, as a service manager stops it. Its exit status must be 0.</summary>
    public async Task StopAsync()
    {
        var ended = await process!.StopAsync(cancellationToken: TestContext.Current.CancellationToken);
        ended.ExitCode.ShouldBe(0, ended.Error);
    }

    /// <summary>SIGKILL: nothing of its own runs any more, what it put into the kernel stays.</summary>
    public async Task KillAsync()
    {
        process!.Signal(Kill);
        _ = await process.WaitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>SIGSTOP: it lives and does nothing.</summary>
    public void Suspend() => process!.Signal(Stop);

    public void Resume() => process!.Signal(Continue);

    public async Task RestartAsync(AgentConfig? config = null, params string[] options)
    {
        await StopAsync();
        await StartAsync(config, options);
    }

    /// <summary>Any verb of the command line, in the node's namespace.</summary>
    /// <exception cref="OperationCanceledException">It did not end by itself: an agent that should have been refused works.</exception>
    public async Task<CommandResult> RunVerbAsync(params string[] arguments)
    {
        using var patience = Patience.Of(Eventually.Limit);
        return await node.RunCommandAsync(Executable, arguments, patience.Token);
    }

    public async Task UninstallAsync() =>
        (await RunVerbAsync("uninstall", "--pin-root", node.BpfRoot, "--socket", Socket)).EnsureSuccess();

    public async Task<AgentStatus> StatusAsync()
    {
        using var client = new AgentClient(Socket);
        var json = await client.StatusJsonAsync(TestContext.Current.CancellationToken);
        return JsonSerializer.Deserialize(json, AgentJson.Default.AgentStatus)!;
    }

    /// <summary>Polls the status until <paramref name="condition"/> holds.</summary>
    /// <exception cref="InvalidOperationException">The process ended meanwhile; its last words.</exception>
    public async Task<AgentStatus> UntilAsync(Func<AgentStatus, bool> condition, string what)
    {
        AgentStatus? last = null;
        try
        {
            await Eventually.ReadsAsync(
                async () =>
                {
                    try
                    {
                        last = await StatusAsync();
                        return condition(last);
                    }
                    catch (AgentUnreachableException) when (process is { HasExited: false })
                    {
                        return false;
                    }
                },
                static holds => holds,
                what);
            return last!;
        }
        catch (TimeoutException tooLong) when (last is not null)
        {
            throw new TimeoutException($"agent of {node.Name}: still not {what}:\n{StatusText.Of(last)}\n{Log}", tooLong);
        }
        catch (AgentUnreachableException ended)
        {
            throw new InvalidOperationException($"agent of {node.Name} is not {what}, it ended: {Log}", ended);
        }
    }

    public async Task FlushAsync(string? endpoint = null)
    {
        using var client = new AgentClient(Socket);
        var request = endpoint is null ? FlushRequest.Everything : FlushRequest.Of(endpoint);
        var outcome = await client.FlushAsync(request, TestContext.Current.CancellationToken);
        outcome.Endpoints.ShouldBePositive();
    }

    /// <summary>Replaces the configuration file and waits until it is in force, or refused.</summary>
    public async Task ConfigureAsync(AgentConfig config)
    {
        if (!IsRunning)
        {
            await WriteAsync(config);
            return;
        }

        var (former, before) = (Config, await StatusAsync());
        var present = await File.ReadAllTextAsync(ConfigPath, TestContext.Current.CancellationToken);
        if (string.Equals(present, config.Render(node), StringComparison.Ordinal))
        {
            return;
        }

        await WriteAsync(config);
        var judged = await UntilAsync(status => status.Configuration != before.Configuration, "aware of the new configuration");
        if (judged.Configuration.Error is null)
        {
            // The file is read by one part of the agent and put into force by another, a moment later.
            _ = await UntilAsync(
                status => config.ShowsIn(status, node) && (!config.VoidsFlowsOf(former) || status.LastFlush != before.LastFlush),
                "following the new configuration");
        }
    }

    public async Task<Hits> HitsAsync(IPod pod) => Hits.Of(EndpointOf(await StatusAsync(), pod));

    /// <summary>Packets of one reason, both directions.</summary>
    public async Task<long> ReasonAsync(string name)
    {
        var counted = (await StatusAsync()).Reasons.FirstOrDefault(reason => reason.Name == name);
        return counted is null ? 0 : counted.Egress + counted.Ingress;
    }

    /// <summary>How many flushes the present process counts for a cause, and of how many endpoints.</summary>
    public async Task<Flushes> FlushesAsync(FlushCause cause)
    {
        using var client = new HttpClient(UnixSocketHttp.Handler(Socket));
        var metrics = await client.GetStringAsync(new Uri("http://agent/metrics"), TestContext.Current.CancellationToken);
        return new Flushes(Value("oncache_flushes_total"), Value("oncache_flushed_endpoints_total"));

        long Value(string counter)
        {
            var start = $"{counter}{{cause=\"{cause}\"}} ";
            var line = metrics.Split('\n').FirstOrDefault(line => line.StartsWith(start, StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.AsSpan(start.Length), NumberStyles.None, CultureInfo.InvariantCulture);
        }
    }

    public static EndpointStatus EndpointOf(AgentStatus status, IPod pod) =>
        status.Endpoints.Single(endpoint => endpoint.Uid == pod.Uid.ToString());

    /// <summary>Ends what still runs; the lab takes the rest away.</summary>
    public async ValueTask DisposeAsync() => await EndAsync();

    private async Task EndAsync()
    {
        if (process is not null)
        {
            await process.DisposeAsync();
        }
    }

    /// <summary>Replaces the configuration file and waits for nothing.</summary>
    public async Task WriteAsync(AgentConfig config)
    {
        Config = config;
        var draft = $"{ConfigPath}.new";
        await File.WriteAllTextAsync(draft, config.Render(node), TestContext.Current.CancellationToken);
        File.Move(draft, ConfigPath, overwrite: true);
    }
}

/// <summary>Flushes of one cause.</summary>
internal readonly record struct Flushes(long Times, long Endpoints)
{
    public static Flushes operator -(Flushes left, Flushes right) => new(left.Times - right.Times, left.Endpoints - right.Endpoints);
}
