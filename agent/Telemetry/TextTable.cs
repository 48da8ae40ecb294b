using System.Text;

namespace OnCache.Agent.Telemetry;

/// <summary>A plain table: columns two spaces apart, numbers to the right. The last column takes the room that is left and is cut there.</summary>
internal sealed class TextTable(params TextColumn[] columns)
{
    /// <summary>How wide a line may be, in characters.</summary>
    public const int Width = 100;

    private const int NarrowestLast = 20;

    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row with one cell per column.</summary>
    public void Add(params string[] cells) => _rows.Add(cells);

    /// <summary>Writes the table, or nothing when it has no rows.</summary>
    public void AppendTo(StringBuilder text)
    {
        if (_rows.Count == 0)
        {
            return;
        }

        var widths = columns.Select((column, i) => _rows.Max(row => row[i].Length) is var widest && widest > column.Title.Length ? widest : column.Title.Length).ToArray();
        widths[^1] = Math.Min(widths[^1], Math.Max(NarrowestLast, Width - widths[..^1].Sum(width => width + 2)));

        _ = text.AppendLine();
        AppendRow(text, widths, columns.Select(column => column.Title).ToArray());
        foreach (var row in _rows)
        {
            AppendRow(text, widths, row);
        }
    }

    private void AppendRow(StringBuilder text, int[] widths, string[] cells)
    {
        var line = new StringBuilder();
        for (var i = 0; i < cells.Length; i++)
        {
            var cell = cells[i].Length <= widths[i] ? cells[i] : string.Concat(cells[i].AsSpan(0, widths[i] - 3), "...");
            _ = line.Append(i == 0 ? "" : "  ").Append(columns[i].Number ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i]));
        }

        _ = text.AppendLine(line.ToString().TrimEnd());
    }
}

/// <summary>A column of a table.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="Number">Whether it holds numbers, which stand to the right.</param>
internal sealed record TextColumn(string Title, bool Number = false);
