namespace OnCache.Agent.Telemetry;

/// <summary>How wide text is written, in characters: what a narrow terminal and a mail show without breaking lines.</summary>
internal static class TextPage
{
    public const int Width = 100;

    /// <summary>Breaks a text between words so that it fits beside an indentation; a single longer word stays whole.</summary>
    public static IEnumerable<string> Wrap(string text, int indent)
    {
        var rest = text;
        while (rest.Length > Width - indent)
        {
            var end = rest.LastIndexOf(' ', Width - indent);
            end = end > 0 ? end : rest.IndexOf(' ', StringComparison.Ordinal);
            if (end <= 0)
            {
                break;
            }

            yield return rest[..end];
            rest = rest[(end + 1)..];
        }

        yield return rest;
    }
}
