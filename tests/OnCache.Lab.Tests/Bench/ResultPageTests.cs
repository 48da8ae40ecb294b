using OnCache.Lab.Bench.Results;

namespace OnCache.Lab.Tests.Bench;

public sealed class ResultPageTests : IDisposable
{
    private static readonly BenchResult Result = Synthetic.Result(
        ("rr", "overlay", [10_000, 11_000]), ("rr", "oncache", [20_000, 23_100]), ("rr", "odd <&> name", [1, 2])) with
    { Gaps = ["flowtable: absent"] };

    private readonly string folder = Directory.CreateTempSubdirectory("oncache-page-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void It_shows_gaps_ratios_and_the_machine_and_needs_nothing_else()
    {
        var page = ResultPage.Render(Result, new Dictionary<string, string> { ["rr"] = "<svg/>" });

        page.ShouldContain("<li>flowtable: absent</li>");
        page.ShouldContain(">2.00-2.05-2.10<");
        page.ShouldContain(">21.6k op/s<");
        page.ShouldContain("odd &lt;&amp;&gt; name");
        page.ShouldContain("<th>kernel</th><td>6.18</td>");
        page.ShouldContain("src=\"data:image/svg+xml;base64,PHN2Zy8+\"");
        page.ShouldNotContain("http");
        page.ShouldNotContain("<script");
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.126, "0.13")]
    [InlineData(31.26, "31.3")]
    [InlineData(5315.2, "5315")]
    [InlineData(45518.2, "45.5k")]
    [InlineData(2_345_678, "2.35M")]
    public void Numbers_have_three_or_four_digits(double value, string expected) => Numbers.Of(value).ShouldBe(expected);

    [Fact]
    public async Task The_plot_is_what_gnuplot_understands()
    {
        Assert.SkipUnless(Gnuplot.Exists, "needs gnuplot (Debian package gnuplot-nox)");
        var cpu = Synthetic.Result(Figure.Cpu, ("rr", "overlay", [2, 2]), ("rr", "oncache", [1, 1.1]));
        var rows = ResultRow.Of([.. Result.Measurements, .. cpu.Measurements]);

        var svg = await Gnuplot.DrawAsync(RatioPlot.Width, RatioPlot.Height, RatioPlot.Script(rows).ShouldNotBeNull(), Cancellation);

        svg.ShouldContain("<svg");
        svg.ShouldContain(">oncache<");
        svg.ShouldContain("more is better");
    }

    [Fact]
    public async Task A_curve_has_its_sizes_on_a_logarithmic_axis()
    {
        Assert.SkipUnless(Gnuplot.Exists, "needs gnuplot (Debian package gnuplot-nox)");
        var result = Synthetic.Result(new Figure("pod_egress", "ns/run", MoreIsBetter: false), ("scale/flows", "flows=0", [300, 310]), ("scale/flows", "flows=1000", [330, 340]));

        var svg = await Gnuplot.DrawAsync(RatioPlot.Width, RatioPlot.Height, CurvePlot.Script(ResultRow.Of(result.Measurements)).ShouldNotBeNull(), Cancellation);

        svg.ShouldContain(">pod_egress<");
        svg.ShouldContain(">ns/run<");
    }

    [Fact]
    public void Paths_are_no_curve() => CurvePlot.Script(ResultRow.Of(Result.Measurements)).ShouldBeNull();

    [Fact]
    public void Without_the_overlay_there_is_nothing_to_plot() =>
        RatioPlot.Script(ResultRow.Of(Synthetic.Result(("rr", "oncache", [1.0])).Measurements)).ShouldBeNull();

    [Fact]
    public async Task What_is_written_is_read_back_and_strangers_are_refused_by_name()
    {
        _ = await ResultFolder.WriteAsync(Path.Combine(folder, "new"), "latest", Result, Cancellation);
        var path = Path.Combine(folder, "new", "latest.json");

        var read = BenchResult.Read(path);

        read.Measurements[1].Samples.ShouldBe([20_000, 23_100]);
        read.Measurements[1].Ratios["overlay"].Median.ShouldBe(2.05, 1e-9);
        (await File.ReadAllTextAsync(path, Cancellation)).ShouldContain("\"more_is_better\": true");
        File.Exists(Path.Combine(folder, "new", "latest.html")).ShouldBeTrue();

        var other = Path.Combine(folder, "other.json");
        await File.WriteAllTextAsync(other, "{}", Cancellation);
        Should.Throw<OnCache.Lab.LabException>(() => BenchResult.Read(other)).Message.ShouldStartWith($"{other}: ");
        await File.WriteAllTextAsync(other, "[", Cancellation);
        Should.Throw<OnCache.Lab.LabException>(() => BenchResult.Read(other)).Message.ShouldStartWith($"{other}: not a result");
        Should.Throw<OnCache.Lab.LabException>(() => BenchResult.Read("/nonexistent.json")).Message.ShouldStartWith("/nonexistent.json: cannot be read");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
