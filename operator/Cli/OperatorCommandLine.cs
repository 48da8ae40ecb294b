using System.CommandLine;

namespace OnCache.Operator.Cli;

/// <summary>The command line of <c>oncache-operator</c>.</summary>
internal static class OperatorCommandLine
{
    /// <summary>Parses the arguments and runs the verb.</summary>
    /// <param name="arguments">As given to the process.</param>
    /// <param name="run">What <c>run</c> starts.</param>
    /// <param name="streams">Where the verbs write.</param>
    /// <param name="cancellationToken">Stops the verb.</param>
    /// <returns>The exit status: see <see cref="ExitStatus"/>.</returns>
    public static async Task<int> InvokeAsync(
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
        var parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            // The first word that is not known explains what follows from it.
            var problems = parsed.UnmatchedTokens.Count > 0
                ? [$"{parsed.UnmatchedTokens[0]} is not a command or option known here"]
                : parsed.Errors.Select(error => error.Message.TrimEnd('.')).Distinct(StringComparer.Ordinal);
            foreach (var problem in problems)
            {
                streams.Problem($"{problem} (see oncache-operator --help)");
            }

            return ExitStatus.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = streams.Output,
                    Error = streams.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                },
                cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitStatus.Success;
        }
        catch (Exception failure)
        {
            // The one place where whatever went wrong becomes one line.
            streams.Problem(failure.Message);
            return ExitStatus.Failure;
        }
    }
}
