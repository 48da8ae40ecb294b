namespace OnCache.Lab.Namespaces;

/// <summary>System tools (ip, bridge, iptables) run in the caller's own network namespace.</summary>
internal static class Tool
{
    public static async Task<CommandResult> RunAsync(
        string command, IReadOnlyList<string> arguments, string? input, CancellationToken cancellationToken)
    {
        await using var process = LabProcess.Start(command, arguments, input is not null);
        return await process.CompleteAsync(input, cancellationToken);
    }
}
