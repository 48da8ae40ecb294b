using OnCache.Lab.Demo;
using OnCache.Lab.Interop;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Api;

/// <summary>The agent of one node, told what to do by the API server through the node's gate. May be killed, held and started again.</summary>
public sealed class ApiAgent : IAsyncDisposable
{
    private readonly ApiLabOptions options;
    private readonly OverlayLab lab;
    private readonly string kubeconfig;
    private AgentProcess? process;

    internal ApiAgent(ApiLabOptions options, OverlayLab lab, LabNode node, ApiGate gate, string kubeconfig)
    {
        this.options = options;
        this.lab = lab;
        this.kubeconfig = kubeconfig;
        Node = node;
        Gate = gate;
    }

    public LabNode Node { get; }

    /// <summary>The node's way to the API server.</summary>
    public ApiGate Gate { get; }

    /// <summary>What the present process has logged.</summary>
    public string Log => process?.Log ?? "";

    /// <summary>Starts it; does not wait.</summary>
    public void Start() => process = AgentProcess.StartInCluster(options.Agent, Node, lab.Folder, kubeconfig);

    /// <summary>Waits until it has listed everything and its programs are attached.</summary>
    public Task WaitReadyAsync(CancellationToken cancellationToken = default) => Process.WaitReadyAsync(cancellationToken);

    /// <summary>SIGKILL: what it put into the kernel stays and works on.</summary>
    public async Task KillAsync(CancellationToken cancellationToken = default)
    {
        await Process.KillAsync(cancellationToken);
        await Process.DisposeAsync();
        process = null;
    }

    /// <summary>The kernel refuses some of its system calls until what is returned is disposed; it may end over it.</summary>
    public Task<RefusedCalls> RefuseAsync(string calls, string error, int every, CancellationToken cancellationToken = default) =>
        RefusedCalls.OfAsync(Node, Process.ProcessId, calls, error, every, cancellationToken);

    /// <summary>As kubelet does: where it has ended, or just ends, another one is started. Returns when one is ready.</summary>
    /// <exception cref="LabException">Even the third one ended.</exception>
    public async Task ReviveAsync(CancellationToken cancellationToken = default)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (Process.HasExited)
            {
                await Process.DisposeAsync();
                Start();
            }

            try
            {
                await WaitReadyAsync(cancellationToken);
                return;
            }
            catch (LabException) when (Process.HasExited && attempt < 3)
            {
                // Over what was refused before.
            }
        }
    }

    /// <summary>SIGSTOP: it lives and does nothing.</summary>
    public void Hold() => Process.Signal(Libc.SIGSTOP);

    /// <summary>SIGCONT.</summary>
    public void Release() => Process.Signal(Libc.SIGCONT);

    public Task FlushAsync(CancellationToken cancellationToken = default) => Process.FlushAsync(cancellationToken);

    public Task<AgentStatus> StatusAsync(CancellationToken cancellationToken = default) => Process.StatusAsync(cancellationToken);

    /// <summary>Its status as a person reads it: the pods it knows, among others.</summary>
    public Task<string> DescribeAsync(CancellationToken cancellationToken = default) => Process.DescribeAsync(cancellationToken);

    /// <summary>The page that Prometheus would read.</summary>
    public Task<string> MetricsAsync(CancellationToken cancellationToken = default) => Process.MetricsAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            await process.DisposeAsync();
        }
    }

    private AgentProcess Process => process ?? throw new LabException($"agent of {Node.Name} is not running");
}
