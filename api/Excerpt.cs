using System.Globalization;

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
        var line = Printable(text.ReplaceLineEndings(" "));
        if (line.Length <= longest)
        {
            return line;
        }

        var end = longest - Ellipsis.Length;

        // Half of a surrogate pair is not text.
        return line[..(char.IsHighSurrogate(line[end - 1]) ? end - 1 : end)] + Ellipsis;
    }

    /// <summary>
    /// The text with U+FFFD for what a terminal obeys instead of showing it: control characters, marks of direction, what has no width. Names
    /// and comments come from anybody who may write rules.
    /// </summary>
    public static string Printable(string text) =>
        text.Any(IsHidden) ? string.Create(text.Length, text, static (shown, text) =>
        {
            for (var i = 0; i < text.Length; i++)
            {
                shown[i] = IsHidden(text[i]) ? '\uFFFD' : text[i];
            }
        }) : text;

    private static bool IsHidden(char character) => char.GetUnicodeCategory(character)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse;
}
