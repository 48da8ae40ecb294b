namespace OnCache.Lab.Namespaces;

/// <summary>What a finished command printed and how it ended.</summary>
/// <param name="Command">The command line, for messages.</param>
/// <param name="ExitCode">Its exit status; 128 + n when signal n ended it.</param>
public sealed record CommandResult(string Command, int ExitCode, string Output, string Error)
{
    /// <summary>This result when the command succeeded.</summary>
    /// <exception cref="LabException">The command failed: names it and its first line of error.</exception>
    public CommandResult EnsureSuccess()
    {
        if (ExitCode != 0)
        {
            var text = Error.Length > 0 ? Error : Output;
            var line = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault();
            throw new LabException($"{Command}: exit status {ExitCode}: {line ?? "no message"}");
        }

        return this;
    }
}
