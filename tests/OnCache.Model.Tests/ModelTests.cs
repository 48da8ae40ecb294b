using System.Diagnostics;

namespace OnCache.Model.Tests;

/// <summary>The protocol by which verdicts become void holds, and does not hold without any of its rules.</summary>
public sealed class ModelTests
{
    private const int UsageError = 2;

    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "model");

    public static TheoryData<string> Variants() =>
    [
        .. File.ReadLines(Path.Combine(s_folder, "variants"))
            .Where(static line => !line.StartsWith('#'))
            .Select(static line => line.Split(' ', 2)[0]),
    ];

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task A_model_ends_as_it_must(string variant)
    {
        RequireTools();

        var (status, output) = await CheckAsync(s_folder, variant);

        status.ShouldBe(0, output);
        output.ShouldContain("1 of 1 models as expected");
    }

    [Theory]
    [InlineData("no-lease", "fails", "holds")]
    [InlineData("settings", "holds", "fails")]
    public async Task A_model_that_ends_otherwise_fails_the_check(string variant, string right, string wrong)
    {
        RequireTools();
        var folder = Directory.CreateTempSubdirectory("oncache-model-");
        try
        {
            foreach (var file in Directory.EnumerateFiles(s_folder))
            {
                File.Copy(file, Path.Combine(folder.FullName, Path.GetFileName(file)));
            }

            var list = Path.Combine(folder.FullName, "variants");
            var line = File.ReadLines(list).Single(line => line.StartsWith($"{variant} ", StringComparison.Ordinal));
            await File.WriteAllTextAsync(
                list, line.Replace($" {right} ", $" {wrong} ", StringComparison.Ordinal) + "\n", TestContext.Current.CancellationToken);

            var (status, output) = await CheckAsync(folder.FullName);

            status.ShouldBe(1);
            output.ShouldContain($"WRONG {variant}");
            output.ShouldContain("0 of 1 models as expected");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_name_that_is_no_model_is_refused()
    {
        RequireTools();

        var (status, output) = await CheckAsync(s_folder, "no-such-model");

        status.ShouldBe(UsageError);
        output.ShouldContain("no model is named no-such-model");
    }

    private static void RequireTools()
    {
        foreach (var tool in (string[])["spin", "gcc"])
        {
            Assert.SkipUnless(
                (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, tool))),
                $"needs {tool}: eng/packages.sh model");
        }
    }

    private static async Task<(int Status, string Output)> CheckAsync(string folder, params string[] names)
    {
        using var process = new Process();
        process.StartInfo = new ProcessStartInfo(Path.Combine(folder, "check.sh"), names)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        process.Start();
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return (process.ExitCode, await output + await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
