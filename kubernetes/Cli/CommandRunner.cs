using System.CommandLine;

namespace OnCache.Kubernetes.Cli;

/// <summary>Runs a command line: whatever is wrong with it, or goes wrong, becomes lines that begin with the program's name.</summary>
public static class CommandRunner
{
    /// <summary>Parses the arguments and runs the verb.</summary>
    /// <param name="root">All verbs.</param>
    /// <param name="arguments">As given to the process.</param>
    /// <param name="streams">Where the verbs write.</param>
    /// <param name="showsStack">Whether a failure is followed by where it came from.</param>
    /// <param name="cancellationToken">Stops the verb; the process' signals are the caller's.</param>
    /// <returns>The exit status: see <see cref="ExitStatus"/>.</returns>
    public static async Task<int> InvokeAsync(
        RootCommand root,
        IReadOnlyList<string> arguments,
        Streams streams,
        Func<ParseResult, bool> showsStack,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(streams);
        ArgumentNullException.ThrowIfNull(showsStack);
        var parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            // The first word that is not known explains what follows from it: the value after it, the command missing in its place.
            var problems = parsed.UnmatchedTokens.Count > 0
                ? [$"{parsed.UnmatchedTokens[0]} is not a command or option known here"]
                : parsed.Errors.Select(error => error.Message.TrimEnd('.')).Distinct(StringComparer.Ordinal);
            foreach (var problem in problems)
            {
                streams.Problem($"{problem} (see {streams.Program} --help)");
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
            // The one place where whatever went wrong becomes one line; the rest of it is for whoever asks for it.
            streams.Problem((failure as TypeInitializationException)?.InnerException?.Message ?? failure.Message);
            if (showsStack(parsed))
            {
                await streams.Error.WriteLineAsync(failure.ToString());
            }

            return ExitStatus.Failure;
        }
    }
}
