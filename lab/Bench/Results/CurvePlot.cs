using System.Globalization;
using System.Text;

namespace OnCache.Lab.Bench.Results;

/// <summary>One figure against a size: a line for each, medians with the range of the rounds.</summary>
internal static class CurvePlot
{
    private static readonly string[] Colours = ["#2b6cb0", "#dd8452", "#55a868", "#8172b3"];

    /// <summary>gnuplot's commands; null when there is no curve.</summary>
    /// <param name="rows">Of one workload, the variants of which are NAME=NUMBER.</param>
    public static string? Script(IReadOnlyList<ResultRow> rows)
    {
        var points = rows
            .Select(row => (Parts: row.Variant.Split('='), row.Figures))
            .Where(row => row.Parts.Length == 2)
            .ToArray();
        if (points.Length < 2)
        {
            return null;
        }

        // What is measured in another unit than the first figure needs an axis of its own: it is in the table.
        var name = points[0].Parts[0];
        var unit = points[0].Figures.Values.First().Unit;
        var figures = points[0].Figures.Values.Where(figure => figure.Unit == unit).Select(figure => figure.Figure).ToArray();
        var script = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"""
            set logscale x
            set grid
            set yrange [0:*]
            set format x '%.0s%c'
            set xlabel '{name}'
            set ylabel '{unit}'
            set key bottom right

            """));
        foreach (var (figure, index) in figures.Select((figure, index) => (figure, index)))
        {
            script.Append(CultureInfo.InvariantCulture, $"$curve{index} << EOD\n");
            foreach (var (parts, measured) in points.Where(point => point.Parts[0] == name && point.Figures.ContainsKey(figure)))
            {
                // A logarithmic axis has no zero.
                var x = Math.Max(0.5, double.Parse(parts[1], CultureInfo.InvariantCulture));
                var y = measured[figure];
                script.Append(CultureInfo.InvariantCulture, $"{x} {y.Median:F4} {y.Min:F4} {y.Max:F4}\n");
            }

            script.Append("EOD\n");
        }

        script.Append("plot ").AppendJoin(", ", figures.Select((figure, index) => string.Create(
            CultureInfo.InvariantCulture,
            $"$curve{index} using 1:2:3:4 with yerrorlines lw 2 pt 7 ps 0.5 lc '{Colours[index % Colours.Length]}' title '{figure}'")));
        return script.Append('\n').ToString();
    }
}
