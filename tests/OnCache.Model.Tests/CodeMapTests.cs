using System.Text.RegularExpressions;

namespace OnCache.Model.Tests;

/// <summary>The table of docs/coherence.md that leads from each step of the model to the lines that do it.</summary>
public sealed partial class CodeMapTests
{
    private const string Heading = "### From the model to the code";
    private static readonly string s_root = AppContext.BaseDirectory;
    private static readonly string s_model = File.ReadAllText(Path.Combine(s_root, "model", "coherence.pml"));

    public static TheoryData<string, string, string[]> Rows()
    {
        var rows = new TheoryData<string, string, string[]>();
        foreach (var (step, file, lines) in Read())
        {
            rows.Add(step, file, lines);
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_step_of_the_model_is_done_by_these_lines_in_this_order(string step, string file, string[] lines)
    {
        s_model.ShouldContain(step);
        var code = File.ReadAllText(Path.Combine(s_root, file));
        var at = 0;
        foreach (var line in lines)
        {
            var found = code.IndexOf(line, at, StringComparison.Ordinal);
            found.ShouldBeGreaterThanOrEqualTo(0, $"{file} has no '{line}' behind '{(at == 0 ? "its beginning" : code[..at].TrimEnd().Split('\n')[^1].Trim())}'");
            at = found + line.Length;
        }
    }

    /// <summary>What only keeps the model's own books stands for no code.</summary>
    [Fact]
    public void Every_part_of_the_model_that_stands_for_code_is_in_the_table()
    {
        string[] books = ["reset", "forget", "done", "begin_flush", "hold", "raise_epoch", "down", "older"];

        var parts = Inline().Matches(s_model).Select(static match => match.Groups["name"].Value).Except(books, StringComparer.Ordinal);

        Read().Select(static row => row.Step).Where(static step => step.StartsWith("inline ", StringComparison.Ordinal))
            .Select(static step => Inline().Match(step).Groups["name"].Value).Distinct(StringComparer.Ordinal)
            .ShouldBe(parts, ignoreOrder: true);
    }

    private static List<(string Step, string File, string[] Lines)> Read()
    {
        var text = File.ReadAllText(Path.Combine(s_root, "docs", "coherence.md"));
        var table = text[text.IndexOf(Heading, StringComparison.Ordinal)..].Split('\n').SkipWhile(static line => !line.StartsWith('|')).TakeWhile(static line => line.StartsWith('|')).Skip(2);
        return
        [
            .. table.Select(static row => Cell().Split(row) is [_, var step, var file, var lines, _]
                ? (Code(step)[0], Code(file)[0], Code(lines))
                : throw new FormatException($"'{row}' has not three cells")),
        ];
    }

    private static string[] Code(string cell) => [.. Quoted().Matches(cell).Select(static match => match.Groups["code"].Value.Replace("\\|", "|", StringComparison.Ordinal))];

    [GeneratedRegex(@"(?<!\\)\|", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Cell();

    [GeneratedRegex("`(?<code>[^`]+)`", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Quoted();

    [GeneratedRegex(@"inline (?<name>\w+)\(", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Inline();
}
