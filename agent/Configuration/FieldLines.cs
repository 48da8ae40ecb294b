namespace OnCache.Agent.Configuration;

/// <summary>On which line each field of one document stands.</summary>
/// <param name="first">The document's first line.</param>
internal sealed class FieldLines(int first)
{
    private readonly Dictionary<string, int> _lines = new(StringComparer.Ordinal);

    public void Set(string field, int line) => _lines[field] = line;

    /// <summary>The line of the field or, where it is not in the file, of the nearest field around it.</summary>
    public int LineOf(string field)
    {
        for (var path = field; path.Length > 0; path = path[..Math.Max(0, path.LastIndexOfAny(['.', '[']))])
        {
            if (_lines.TryGetValue(path, out var line))
            {
                return line;
            }
        }

        return first;
    }
}
