namespace OnCache.Api;

/// <summary>Keeps what is said within the bounds of a status.</summary>
public static class Excerpt
{
    private const string Ellipsis = "...";

    /// <summary>The text on one line, cut to <paramref name="longest"/> characters.</summary>
    /// <param name="text">The text.</param>
    /// <param name="longest">The most characters, those of the ellipsis included; at least four.</param>
    public static string Of(string text, int longest)
    {
        var line = text.ReplaceLineEndings(" ");
        if (line.Length <= longest)
        {
            return line;
        }

        var end = longest - Ellipsis.Length;

        // Half of a surrogate pair is not text.
        return line[..(char.IsHighSurrogate(line[end - 1]) ? end - 1 : end)] + Ellipsis;
    }
}
