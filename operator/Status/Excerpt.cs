using OnCache.Api;

namespace OnCache.Operator.Status;

/// <summary>Keeps what is said within the bounds of a status.</summary>
internal static class Excerpt
{
    private const string Ellipsis = "...";

    /// <summary>The text on one line, cut to <see cref="OverlayCachePolicyStatus.MaximumMessage"/> characters.</summary>
    public static string Of(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        if (line.Length <= OverlayCachePolicyStatus.MaximumMessage)
        {
            return line;
        }

        var end = OverlayCachePolicyStatus.MaximumMessage - Ellipsis.Length;

        // Half of a surrogate pair is not text.
        return line[..(char.IsHighSurrogate(line[end - 1]) ? end - 1 : end)] + Ellipsis;
    }
}
