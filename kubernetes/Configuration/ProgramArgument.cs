using System.Text;

namespace OnCache.Kubernetes.Configuration;

/// <summary>The library joins a credential program's arguments by spaces and has them taken apart again by the rules of Windows' command lines.</summary>
internal static class ProgramArgument
{
    /// <summary>The argument, so that it comes out of that as it was.</summary>
    public static string Quote(string? argument)
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
}
