using System.CommandLine;

namespace OnCache.Lab.Commands;

/// <summary>The <c>oncache-lab</c> command. Exit status 0, or 1 when something failed, or 2 when the command line is wrong.</summary>
public static class CommandLine
{
    private const int Failed = 1;
    private const int Misused = 2;

    // An interrupted command still takes its labs down, and what it has installed into a cluster out of it.
    private static readonly TimeSpan CleanUpLimit = TimeSpan.FromMinutes(10);

    public static async Task<int> RunAsync(string[] arguments)
    {
        var root = new RootCommand("A multi-node overlay network on one machine, in network namespaces")
        {
            UpCommand.Create(),
            ExecCommand.Create(),
            DownCommand.Create(),
            StatusCommand.Create(),
            TrafficCommand.Create(),
            DemoCommand.Create(),
            ClusterCommand.Create(),
            BenchCommand.Create(),
            ChaosCommand.Create(),
        };
        var parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            return Complain(parsed.Errors[0].Message, Misused);
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = CleanUpLimit,
            });
        }
        catch (LabOptionException exception)
        {
            return Complain(exception.Message, Misused);
        }
        catch (LabException exception)
        {
            return Complain(exception.Message, Failed);
        }
        catch (OperationCanceledException)
        {
            return Complain("interrupted", Failed);
        }
    }

    private static int Complain(string message, int status)
    {
        Console.Error.WriteLine($"oncache-lab: {message}");
        return status;
    }
}
