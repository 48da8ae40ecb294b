using System.Globalization;
using System.Text.RegularExpressions;

using OnCache.Agent.Datapath;

namespace OnCache.Agent.Tests.Bpf;

/// <summary>Every program passes the verifier for both kinds of hook, at the cost that docs/verifier.md records.</summary>
public sealed partial class VerifierCostTests(ITestOutputHelper output)
{
    private const string Document = "docs/verifier.md";

    /// <summary>Beyond this factor a program has become another one, and its entry must be renewed with a thought.</summary>
    private const double Tolerance = 1.25;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_program_loads_at_its_recorded_cost(bool tcx)
    {
        var capabilities = LoadedPrograms.RequireKernel();
        Assert.SkipUnless(capabilities.Tcx || !tcx, "needs a kernel with tcx (6.6)");
        using var pins = new BpfFileSystem();
        using var datapath = LoadedPrograms.Load(pins, tcx: tcx);
        var recorded = Recorded();

        var measured = ProgramNames.All.ToDictionary(
            name => name, name => datapath.ProgramInfo(name).VerifiedInstructions, StringComparer.Ordinal);
        foreach (var (name, instructions) in measured)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| `{name}` | {instructions} |"));
        }

        recorded.Keys.ShouldBe(measured.Keys, ignoreOrder: true, $"{Document} must have a row for each program");
        foreach (var (name, instructions) in measured)
        {
            ((double)instructions).ShouldBeLessThanOrEqualTo(
                recorded[name] * Tolerance,
                $"the verifier walks {instructions} instructions of {name}, {Document} records {recorded[name]}: see why, then update it");
        }
    }

    private static Dictionary<string, uint> Recorded() =>
        Row().Matches(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, Document)))
            .ToDictionary(
                row => row.Groups["name"].Value,
                row => uint.Parse(row.Groups["count"].ValueSpan, CultureInfo.InvariantCulture),
                StringComparer.Ordinal);

    [GeneratedRegex("^\\| `(?<name>oncache_\\w+)` \\| (?<count>[0-9]+) \\|", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Row();
}
