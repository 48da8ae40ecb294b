using OnCache.Lab.Interop;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Api;

/// <summary>The operator as a process beside the API server.</summary>
public sealed class ApiOperator : IAsyncDisposable
{
    private readonly string program;
    private readonly ProcessRegister register;
    private readonly string kubeconfig;
    private LabProcess? process;

    internal ApiOperator(string program, string lab, string kubeconfig)
    {
        this.program = program;
        this.kubeconfig = kubeconfig;
        register = new ProcessRegister(new LabNames(lab));
    }

    /// <summary>What the present process has logged.</summary>
    public string Log => process is null ? "" : process.Output + process.Error;

    /// <summary>Starts it; does not wait.</summary>
    public void Start()
    {
        // Port 0: several labs share the machine's loopback.
        var started = LabProcess.Start(
            program,
            ["run", "--kubeconfig", kubeconfig, "--namespace", ApiLab.Home, "--no-webhook", "--http", "127.0.0.1:0"]);
        register.Add(started.Identity);
        started.OnEnded(() => register.Remove(started.Identity));
        process = started;
    }

    /// <summary>SIGTERM: it hands its lease over.</summary>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        if (process is { } running)
        {
            await running.StopAsync(cancellationToken: cancellationToken);
            await EndAsync(running);
        }
    }

    /// <summary>SIGKILL: its lease stays taken until it has run out.</summary>
    public async Task KillAsync(CancellationToken cancellationToken = default)
    {
        if (process is { } running)
        {
            running.Signal(Libc.SIGKILL);
            await running.WaitAsync(cancellationToken);
            await EndAsync(running);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (process is { } running)
        {
            await EndAsync(running);
        }
    }

    private async Task EndAsync(LabProcess running)
    {
        process = null;
        await running.DisposeAsync();
    }
}
