using System.Text;

namespace OnCache.Agent.Telemetry;

/// <summary>A plain table: columns two spaces apart, numbers to the right. A last cell that finds no room goes below its row.</summary>
internal sealed class TextTable(params TextColumn[] columns)
{
    private const int Indent = 4;

    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row with one cell per column.</summary>
    public void Add(params string[] cells) => _rows.Add(cells);

    /// <summary>Writes the table after an empty line, or nothing when it has no rows.</summary>
    public void AppendTo(StringBuilder text)
    {
        if (_rows.Count == 0)
        {
            return;
        }

        var widths = columns.Select((column, i) => Math.Max(column.Title.Length, _rows.Max(row => row[i].Length))).ToArray();
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
        for (var i = 0; i < cells.Length - 1; i++)
        {
            _ = line.Append(Cell(i)).Append("  ");
        }

        if (line.Length + cells[^1].Length <= TextPage.Width)
        {
            _ = text.AppendLine(line.Append(Cell(cells.Length - 1)).ToString().TrimEnd());
            return;
        }

        _ = text.AppendLine(line.ToString().TrimEnd());
        foreach (var part in TextPage.Wrap(cells[^1], Indent))
        {
            _ = text.Append(' ', Indent).AppendLine(part);
        }

        string Cell(int i) => columns[i].Number ? cells[i].PadLeft(widths[i]) : cells[i].PadRight(widths[i]);
    }
}

/// <summary>A column of a table.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="Number">Whether it holds numbers, which stand to the right.</param>
internal sealed record TextColumn(string Title, bool Number = false);
