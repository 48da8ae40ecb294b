using System.Text;
using k8s.KubeConfigModels;

namespace OnCache.Kubernetes.Configuration;

/// <summary>A program that gives credentials, so that the library runs it as kubectl would where nobody is at a terminal.</summary>
internal static class CredentialProgram
{
    // A request that waits for it has 30 seconds. The library has one limit for all programs, and runs one when it reads who we are, too.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    static CredentialProgram() => k8s.KubernetesClientConfiguration.ExecTimeout = Limit;

    /// <summary>A copy for the library: users may share what is written.</summary>
    public static ExternalExecution Prepare(ExternalExecution program) => new()
    {
        ApiVersion = program.ApiVersion,
        Command = program.Command.Contains('/', StringComparison.Ordinal) ? program.Command : OnPath(program.Command),
        Arguments = [.. (program.Arguments ?? []).Select(Quote)],

        // The library says of itself that it is interactive, and names another kind than programs expect.
        EnvironmentVariables =
        [
            .. program.EnvironmentVariables ?? [],
            new(StringComparer.Ordinal)
            {
                ["name"] = "KUBERNETES_EXEC_INFO",
                ["value"] = $$"""{"apiVersion": "{{program.ApiVersion}}", "kind": "ExecCredential", "spec": {"interactive": false} }""",
            },
        ],
    };

    /// <summary>
    /// The argument, so that it comes out as it was: the library joins arguments by spaces, and they are taken apart again by the rules of
    /// Windows' command lines.
    /// </summary>
    internal static string Quote(string? argument)
    {
        var text = new StringBuilder("\"");
        var backslashes = 0;
        foreach (var character in argument ?? "")
        {
            // Backslashes stand for themselves except before a quotation mark.
            if (character == '"')
            {
                _ = text.Append('\\', backslashes + 1);
            }

            backslashes = character == '\\' ? backslashes + 1 : 0;
            _ = text.Append(character);
        }

        return text.Append('\\', backslashes).Append('"').ToString();
    }

    // Otherwise it would be looked for in the present folder first.
    private static string OnPath(string command) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, command))
        .FirstOrDefault(File.Exists) ?? command;
}
