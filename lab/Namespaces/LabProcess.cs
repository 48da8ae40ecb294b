using System.Diagnostics;
using System.Text;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Namespaces;

/// <summary>A process started by the lab, with its output captured. Disposing it ends it.</summary>
public sealed class LabProcess : IAsyncDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);
    private readonly Process process;
    private readonly string command;
    private readonly StringBuilder output = new();
    private readonly StringBuilder error = new();
    private readonly Lock sync = new();
    private readonly TaskCompletionSource outputClosed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource errorClosed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Action? ended;
    private bool disposed;

    private LabProcess(Process process, string command)
    {
        this.process = process;
        this.command = command;
        Identity = ProcessIdentity.Of(process.Id) ?? new ProcessIdentity(process.Id, 0);
    }

    public int Id => Identity.Pid;

    public ProcessIdentity Identity { get; }

    public bool HasExited => disposed || process.HasExited;

    /// <summary>Of its own, in user mode and in the kernel, since its start; to 10 ms. Not of a process that has ended.</summary>
    public TimeSpan ProcessorTime => process.TotalProcessorTime;

    /// <summary>What it has printed on standard output up to now.</summary>
    public string Output
    {
        get
        {
            lock (sync)
            {
                return output.ToString();
            }
        }
    }

    /// <summary>What it has printed on standard error up to now.</summary>
    public string Error
    {
        get
        {
            lock (sync)
            {
                return error.ToString();
            }
        }
    }

    /// <summary>Waits for the end of the process and of its output.</summary>
    public async Task<CommandResult> WaitAsync(CancellationToken cancellationToken = default)
    {
        await process.WaitForExitAsync(cancellationToken);
        await Task.WhenAll(outputClosed.Task, errorClosed.Task).WaitAsync(cancellationToken);
        ended?.Invoke();
        return new CommandResult(command, process.ExitCode, Output, Error);
    }

    /// <summary>Waits until a line of its output contains <paramref name="text"/>.</summary>
    /// <exception cref="LabException">The process ended, or <paramref name="limit"/> passed, without it.</exception>
    public async Task WaitForOutputAsync(string text, TimeSpan limit, CancellationToken cancellationToken = default)
    {
        var started = Stopwatch.GetTimestamp();
        while (!Output.Contains(text, StringComparison.Ordinal))
        {
            if (process.HasExited)
            {
                (await WaitAsync(cancellationToken)).EnsureSuccess();
                if (!Output.Contains(text, StringComparison.Ordinal))
                {
                    throw new LabException($"{command}: ended without printing '{text}'");
                }

                return;
            }

            if (Stopwatch.GetElapsedTime(started) > limit)
            {
                throw new LabException($"{command}: did not print '{text}' within {limit.TotalSeconds} s");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(5), cancellationToken);
        }
    }

    /// <summary>Sends a signal by number, e.g. 9 for SIGKILL. Nothing when it has ended.</summary>
    public void Signal(int number)
    {
        if (!HasExited)
        {
            _ = Libc.kill(Id, number);
        }
    }

    /// <summary>SIGTERM, then SIGKILL when it has not ended after the grace period (default 3 s).</summary>
    public async Task<CommandResult> StopAsync(TimeSpan? grace = null, CancellationToken cancellationToken = default)
    {
        Signal(Libc.SIGTERM);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(grace ?? Grace);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            Signal(Libc.SIGKILL);
        }

        return await WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (disposed)
        {
            return;
        }

        if (!process.HasExited)
        {
            await StopAsync();
        }

        disposed = true;
        ended?.Invoke();
        process.Dispose();
    }

    internal static LabProcess Start(string command, IReadOnlyList<string> arguments, bool redirectInput = false)
    {
        var line = arguments.Count == 0 ? command : $"{command} {string.Join(' ', arguments)}";
        var child = new Process
        {
            StartInfo = new ProcessStartInfo(command, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = redirectInput,
                UseShellExecute = false,
            },
        };
        try
        {
            child.Start();
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            child.Dispose();
            throw new LabException($"{command}: cannot start: {exception.Message}", exception);
        }

        var started = new LabProcess(child, line);
        started.Capture();
        return started;
    }

    internal void OnEnded(Action action) => ended = action;

    internal async Task<CommandResult> CompleteAsync(string? input, CancellationToken cancellationToken)
    {
        if (input is not null)
        {
            try
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), cancellationToken);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // The command ended before reading all of it: its exit status and message say why.
            }
        }

        return await WaitAsync(cancellationToken);
    }

    private void Capture()
    {
        process.OutputDataReceived += (_, line) => Append(output, line.Data, outputClosed);
        process.ErrorDataReceived += (_, line) => Append(error, line.Data, errorClosed);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    private void Append(StringBuilder text, string? line, TaskCompletionSource closed)
    {
        if (line is null)
        {
            closed.TrySetResult();
            return;
        }

        lock (sync)
        {
            text.Append(line).Append('\n');
        }
    }
}
