using System.Net;
using Microsoft.Extensions.Logging;
using OnCache.Operator.Cli;

namespace OnCache.Operator.Tests.Live;

/// <summary>A replica of the operator within the test's process.</summary>
internal sealed class RunningOperator : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;

    private RunningOperator(string kubeconfig, string identity) => _run = OperatorProcess.RunAsync(
        new RunSettings
        {
            Kubeconfig = kubeconfig,
            Namespace = "oncache-system",
            Identity = identity,
            Http = new IPEndPoint(IPAddress.Loopback, 0),
            HasWebhook = false,
            LogLevel = LogLevel.Warning,
        },
        _stop.Token);

    public static RunningOperator Start(LiveServer server, string identity = "one") => new(server.Kubeconfig, identity);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run.ContinueWith(static _ => { }, TaskScheduler.Default);
        _stop.Dispose();
    }
}
