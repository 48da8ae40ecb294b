namespace OnCache.Lab.Bench.Results;

/// <summary>Where a result goes: the JSON file, and the page beside it.</summary>
internal static class ResultFolder
{
    /// <param name="folder">Made where it does not exist.</param>
    /// <param name="name">Of the JSON file, without its ending; the page has the same.</param>
    /// <param name="result">What is written.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The path of the page.</returns>
    public static async Task<string> WriteAsync(string folder, string name, BenchResult result, CancellationToken cancellationToken)
    {
        result.Write(Path.Combine(folder, $"{name}.json"));
        var page = Path.Combine(folder, $"{name}.html");
        await File.WriteAllTextAsync(page, ResultPage.Render(result, await PlotsAsync(result, cancellationToken)), cancellationToken);
        return page;
    }

    private static async Task<Dictionary<string, string>> PlotsAsync(BenchResult result, CancellationToken cancellationToken)
    {
        var plots = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!Gnuplot.Exists)
        {
            return plots;
        }

        foreach (var section in ResultRow.Of(result.Measurements).GroupBy(row => row.Workload, StringComparer.Ordinal))
        {
            if ((RatioPlot.Script([.. section]) ?? CurvePlot.Script([.. section])) is { } script)
            {
                plots.Add(section.Key, await Gnuplot.DrawAsync(RatioPlot.Width, RatioPlot.Height, script, cancellationToken));
            }
        }

        return plots;
    }
}
