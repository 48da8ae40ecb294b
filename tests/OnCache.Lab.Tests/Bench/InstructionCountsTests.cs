using OnCache.Lab.Bench.Instructions;

namespace OnCache.Lab.Tests.Bench;

public sealed class InstructionCountsTests
{
    private static readonly InstructionCounts s_reference = Counts("6.12", ("host", 30_000), ("oncache", 38_000));

    [Theory]
    [InlineData(38_000, false)]
    [InlineData(38_700, false)]
    [InlineData(38_800, true)]
    [InlineData(30_000, false)]
    public void A_count_may_rise_by_two_percent(long oncache, bool risen)
    {
        var comparison = CountComparison.Of(s_reference, Counts("6.12", ("host", 30_000), ("oncache", oncache)));

        comparison.HasRisen.ShouldBe(risen);
        comparison.Summary.ShouldHaveSingleItem().ShouldContain(risen ? "tcp-rr on oncache: 2.1 % more" : "no count has risen");
    }

    [Fact]
    public void A_path_that_is_counted_no_longer_fails_and_a_new_one_does_not()
    {
        var comparison = CountComparison.Of(s_reference, Counts("6.12", ("host", 30_000), ("new", 1)));

        comparison.HasRisen.ShouldBeTrue();
        comparison.Summary.ShouldBe(["tcp-rr on oncache: in the reference and not counted"]);
        comparison.Rows.Single(row => row.Path == "new").Rise.ShouldBeNull();
    }

    [Fact]
    public void Counts_of_another_kernel_say_nothing_and_that_is_no_pass()
    {
        var comparison = CountComparison.Of(s_reference, Counts("6.13", ("host", 1), ("oncache", 1)));

        comparison.HasRisen.ShouldBeTrue();
        comparison.Summary.ShouldHaveSingleItem().ShouldContain("kernel 6.12 and this is 6.13");
    }

    [Fact]
    public void Counts_come_back_from_their_file_as_they_went()
    {
        var file = Path.GetTempFileName();
        try
        {
            var written = Counts("6.12.1+deb13-amd64", ("host", 30_000));
            written.Write(file);

            var read = InstructionCounts.Read(file);

            File.ReadAllText(file).ShouldContain("6.12.1+deb13-amd64");
            CountComparison.Of(written, read).HasRisen.ShouldBeFalse();
            read.PerTransaction["tcp-rr"]["host"].ShouldBe(30_000);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("console=ttyS0 oncache.icount_shift=1 quiet\n", 1)]
    [InlineData("oncache.icount_shift=3", 3)]
    public void The_time_of_an_instruction_is_on_the_kernel_s_command_line(string commandLine, int shift) =>
        InstructionCounter.ShiftOf(commandLine).ShouldBe(shift);

    [Theory]
    [InlineData("console=ttyS0 quiet")]
    [InlineData("oncache.icount_shift=x")]
    public void Nothing_is_counted_where_the_clock_does_not_count(string commandLine) =>
        Should.Throw<LabException>(() => InstructionCounter.ShiftOf(commandLine)).Message.ShouldContain("make bench-instructions");

    private static InstructionCounts Counts(string kernel, params (string Path, long Count)[] paths) => new(
        InstructionCounts.CurrentSchema,
        kernel,
        "10.0.0",
        new Dictionary<string, IReadOnlyDictionary<string, long>> { ["tcp-rr"] = paths.ToDictionary(path => path.Path, path => path.Count) });
}
