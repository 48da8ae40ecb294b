using System.Runtime.InteropServices;
using OnCache.Agent.Cli;
using OnCache.Agent.Daemon;
using OnCache.Kubernetes.Cli;

using var stop = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
return await AgentCommandLine.InvokeAsync(args, new AgentOperations(), new Streams(AgentCommandLine.Program, Console.Out, Console.Error), stop.Token);

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
