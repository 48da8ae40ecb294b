using System.Globalization;
using System.Text;
using OnCache.Lab.Bench.Suites;

namespace OnCache.Lab.Bench.Results;

/// <summary>One workload: what each variant makes of it, the overlay being 1. Bars are medians, whiskers the slowest and the fastest round.</summary>
internal static class RatioPlot
{
    public const int Width = 620;
    public const int Height = 300;

    /// <summary>gnuplot's commands; null when there is nothing to compare.</summary>
    /// <param name="rows">Of one workload.</param>
    public static string? Script(IReadOnlyList<ResultRow> rows)
    {
        var compared = rows.Where(row => HasRatio(row.Main) && HasRatio(row.Cpu)).ToArray();
        if (compared.Length == 0)
        {
            return null;
        }

        var script = new StringBuilder("""
            set style data histograms
            set style histogram errorbars gap 2 lw 1
            set style fill solid 0.8 border lt -1
            set boxwidth 0.9
            set grid ytics
            set yrange [0:*]
            set xtics rotate by -20 nomirror
            set key top left horizontal
            set ylabel 'overlay = 1'
            $data << EOD

            """);
        foreach (var row in compared)
        {
            script.Append(CultureInfo.InvariantCulture, $"\"{row.Variant}\" {Columns(row.Main!)} {Columns(row.Cpu!)}\n");
        }

        var main = compared[0].Main!.Figure;
        return script.Append(CultureInfo.InvariantCulture, $"""
            EOD
            plot 1 with lines lc '#888888' notitle, \
              $data using 2:3:4:xtic(1) lc '#2b6cb0' title '{main} (more is better)', \
              '' using 5:6:7 lc '#dd8452' title 'CPU per operation (less is better)'

            """).ToString();
    }

    private static bool HasRatio(Measurement? measurement) => measurement?.Ratios.ContainsKey(Variant.Overlay) == true;

    private static string Columns(Measurement measurement)
    {
        var ratio = measurement.Ratios[Variant.Overlay];
        return string.Create(CultureInfo.InvariantCulture, $"{ratio.Median:F4} {ratio.Min:F4} {ratio.Max:F4}");
    }
}
