using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Bench.Results;

/// <summary>Draws by gnuplot.</summary>
internal static class Gnuplot
{
    private const string Program = "gnuplot";

    /// <summary>Whether it is installed.</summary>
    public static bool Exists => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, Program)));

    /// <summary>The SVG of one plot.</summary>
    /// <param name="width">Pixels.</param>
    /// <param name="height">Pixels.</param>
    /// <param name="body">Everything but the terminal, in gnuplot's language. Texts are taken as they are.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="LabException">It is missing or refuses; names its first line of error.</exception>
    public static async Task<string> DrawAsync(int width, int height, string body, CancellationToken cancellationToken)
    {
        var script = FormattableString.Invariant($"set terminal svg noenhanced size {width},{height} font 'sans-serif,11' background '#ffffff'\n{body}");
        return (await Tool.RunAsync(Program, ["-"], script, cancellationToken)).EnsureSuccess().Output;
    }
}
