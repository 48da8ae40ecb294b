using System.Diagnostics;
using System.Text.Json;
using OnCache.Kubernetes.Cli;
using OnCache.Lab.Interop;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Demo;

/// <summary>The agent's own counters.</summary>
/// <param name="Hits">Packets that took the fast path.</param>
/// <param name="Misses">Packets handed to the CNI.</param>
public sealed record AgentStatus(bool Ready, long Hits, long Misses);

/// <summary>A node agent running in one node of the lab: all the lab knows of the agent's command line and output.</summary>
public sealed class AgentProcess : IAsyncDisposable
{
    // Each look is a process: what is waited for shall have most of the machine.
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(10);
    private readonly string program;
    private readonly LabNode node;
    private readonly LabProcess process;
    private readonly string socket;

    private string LastWords =>
        process.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "it printed no reason";

    private AgentProcess(string program, LabNode node, string socket, LabProcess process)
    {
        this.program = program;
        this.node = node;
        this.socket = socket;
        this.process = process;
    }

    /// <summary>Starts the agent with the node's configuration, and its pins and socket inside the lab.</summary>
    /// <param name="program">Path of oncache-agent.</param>
    /// <param name="node">Where it runs.</param>
    /// <param name="folder">The lab's folder, for the socket.</param>
    public static AgentProcess Start(string program, LabNode node, string folder)
    {
        ArgumentNullException.ThrowIfNull(node);
        var path = Path.Combine(folder, $"{node.Name}.sock");
        var started = node.StartProcess(
            program, "run", "--config", node.AgentConfigPath, "--pin-root", node.BpfRoot, "--socket", path);
        return new AgentProcess(program, node, path, started);
    }

    /// <summary>Starts the agent under the API server's orders, with its pins and socket inside the lab.</summary>
    /// <param name="program">Path of oncache-agent.</param>
    /// <param name="node">Where it runs; the API server knows the node by the same name.</param>
    /// <param name="folder">The lab's folder, for the socket.</param>
    /// <param name="kubeconfig">How it reaches the API server from there.</param>
    public static AgentProcess StartInCluster(string program, LabNode node, string folder, string kubeconfig)
    {
        ArgumentNullException.ThrowIfNull(node);
        var path = Path.Combine(folder, $"{node.Name}.sock");
        var started = node.StartProcess(
            program, "run", "--node", node.Name, "--kubeconfig", kubeconfig, "--pin-root", node.BpfRoot, "--socket", path);
        return new AgentProcess(program, node, path, started);
    }

    /// <summary>What it has logged.</summary>
    public string Log => process.Error;

    public int ProcessId => process.Id;

    public bool HasExited => process.HasExited;

    /// <summary>Of all its threads, in user mode and in the kernel, since its start; to 10 ms.</summary>
    public TimeSpan ProcessorTime => process.ProcessorTime;

    /// <summary>Waits until the agent says it is ready.</summary>
    /// <exception cref="LabException">It ended, or did not become ready in time; gives its last words.</exception>
    public async Task WaitReadyAsync(CancellationToken cancellationToken = default)
    {
        var started = Stopwatch.GetTimestamp();
        while (!process.HasExited && Stopwatch.GetElapsedTime(started) < Liveness.Limit)
        {
            var answer = await AskAsync(["-o", "json"], cancellationToken);
            if (answer.ExitCode == 0 && Parse(answer.Output).Ready)
            {
                return;
            }

            await Task.Delay(Poll, cancellationToken);
        }

        if (process.HasExited)
        {
            // Its output may come after its end: waited for.
            await process.WaitAsync(cancellationToken);
            throw new LabException($"agent of {node.Name} ended before it was ready: {LastWords}");
        }

        throw new LabException($"agent of {node.Name} was not ready within {Liveness.Limit.TotalSeconds} s: {LastWords}");
    }

    public async Task<AgentStatus> StatusAsync(CancellationToken cancellationToken = default) =>
        Parse((await AskAsync(["-o", "json"], cancellationToken)).EnsureSuccess().Output);

    /// <summary>The status as a person reads it.</summary>
    public async Task<string> DescribeAsync(CancellationToken cancellationToken = default) =>
        (await AskAsync([], cancellationToken)).EnsureSuccess().Output;

    /// <summary>Flushes everything, as a person does by the command line.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken = default) =>
        (await node.RunCommandAsync(program, ["flush", "--all", "--socket", socket], cancellationToken)).EnsureSuccess();

    /// <summary>The agent's page of metrics.</summary>
    /// <exception cref="LabException">It does not answer.</exception>
    public Task<string> MetricsAsync(CancellationToken cancellationToken = default) => GetAsync("metrics", cancellationToken);

    /// <summary>The status without a process being started for it, as between two measurements.</summary>
    /// <exception cref="LabException">The agent does not answer.</exception>
    public async Task<AgentStatus> CountersAsync(CancellationToken cancellationToken = default) => Parse(await GetAsync("status", cancellationToken));

    /// <summary>Sends a signal by number.</summary>
    public void Signal(int number) => process.Signal(number);

    /// <summary>SIGKILL: nothing of its own runs any more.</summary>
    public async Task KillAsync(CancellationToken cancellationToken = default)
    {
        process.Signal(Libc.SIGKILL);
        _ = await process.WaitAsync(cancellationToken);
    }

    /// <summary>Ends the agent as a service manager does, by SIGTERM.</summary>
    public ValueTask DisposeAsync() => process.DisposeAsync();

    internal static AgentStatus Parse(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            var totals = root.GetProperty("totals");
            return new AgentStatus(
                root.GetProperty("ready").GetBoolean(), totals.GetProperty("hits").GetInt64(), totals.GetProperty("misses").GetInt64());
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new LabException($"agent status: not the expected JSON: {exception.Message}", exception);
        }
    }

    private async Task<string> GetAsync(string page, CancellationToken cancellationToken)
    {
        using var client = new HttpClient(UnixSocketHttp.Handler(socket)) { Timeout = LongestAnswer };
        try
        {
            return await client.GetStringAsync(new Uri($"http://agent/{page}"), cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException || (exception is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new LabException($"agent of {node.Name}: no {page}: {exception.Message}", exception);
        }
    }

    private Task<CommandResult> AskAsync(string[] options, CancellationToken cancellationToken) =>
        node.RunCommandAsync(program, ["status", "--socket", socket, .. options], cancellationToken);
}
