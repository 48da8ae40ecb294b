using System.Runtime.InteropServices;
using OnCache.Kubernetes.Cli;
using OnCache.Operator;
using OnCache.Operator.Cli;

using var stop = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
return await OperatorCommandLine.InvokeAsync(args, OperatorProcess.RunAsync, new Streams(OperatorCommandLine.Program, Console.Out, Console.Error), stop.Token);

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
