using System.CommandLine;
using OnCache.Kubernetes.Cli;

namespace OnCache.Operator.Cli;

/// <summary>The command line of <c>oncache-operator</c>.</summary>
internal static class OperatorCommandLine
{
    public const string Program = "oncache-operator";

    /// <summary>Parses the arguments and runs the verb.</summary>
    /// <param name="arguments">As given to the process.</param>
    /// <param name="run">What <c>run</c> starts.</param>
    /// <param name="streams">Where the verbs write.</param>
    /// <param name="cancellationToken">Stops the verb.</param>
    /// <returns>The exit status: see <see cref="ExitStatus"/>.</returns>
    public static Task<int> InvokeAsync(
        IReadOnlyList<string> arguments,
        Func<RunSettings, CancellationToken, Task> run,
        Streams streams,
        CancellationToken cancellationToken)
    {
        var root = new RootCommand("Turns OverlayCachePolicies into configurations of nodes, and what the nodes report into their status.")
        {
            RunVerb.Create(run),
            CrdsVerb.Create(streams),
        };
        return CommandRunner.InvokeAsync(root, arguments, streams, static _ => false, cancellationToken);
    }
}
