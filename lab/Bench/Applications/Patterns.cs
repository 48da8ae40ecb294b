using System.Globalization;
using System.Text.RegularExpressions;

namespace OnCache.Lab.Bench.Applications;

/// <summary>Numbers in the output of load tools.</summary>
internal static class Patterns
{
    /// <summary>The first group of a pattern as a number.</summary>
    /// <exception cref="LabException">The output has no such thing; names the tool.</exception>
    public static double Number(string tool, string output, string pattern) =>
        Find(output, pattern) is { } text
            ? double.Parse(text, CultureInfo.InvariantCulture)
            : throw new LabException($"{tool}: its output has no '{pattern}': {output.Trim().Split('\n')[^1]}");

    /// <summary>The first group of a pattern; null where it does not match.</summary>
    public static string? Find(string output, string pattern) =>
        Regex.Match(output, pattern, RegexOptions.Multiline, TimeSpan.FromSeconds(1)) is { Success: true } match ? match.Groups[1].Value : null;
}
