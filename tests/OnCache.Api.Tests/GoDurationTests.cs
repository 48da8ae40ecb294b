using FsCheck;
using FsCheck.Fluent;

namespace OnCache.Api.Tests;

public sealed class GoDurationTests
{
    [Theory]
    [InlineData("30s", 30_000)]
    [InlineData("500ms", 500)]
    [InlineData("1m30s", 90_000)]
    [InlineData("1.5s", 1500)]
    [InlineData("2h", 7_200_000)]
    [InlineData("0s", 0)]
    [InlineData("0", 0)]
    public void Durations_of_Kubernetes_are_read(string text, int milliseconds)
    {
        GoDuration.TryParse(text, out var duration).ShouldBeTrue();
        duration.ShouldBe(TimeSpan.FromMilliseconds(milliseconds));
    }

    [Theory]
    [InlineData("")]
    [InlineData("30")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("5 s")]
    [InlineData("5S")]
    [InlineData("1d")]
    [InlineData("1.2.3s")]
    [InlineData(".s")]
    [InlineData("0.5ms")]
    [InlineData("99999999999999999999h")]
    [InlineData("9999999999h9999999999h")]
    public void Anything_else_is_refused(string text) => GoDuration.TryParse(text, out _).ShouldBeFalse();

    [Fact]
    public void What_is_written_reads_back_the_same() => Prop
        .ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), milliseconds =>
        {
            var duration = TimeSpan.FromMilliseconds(milliseconds);
            return GoDuration.TryParse(GoDuration.Format(duration), out var read) && read == duration;
        })
        .QuickCheckThrowOnFailure();
}
