using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Tests.Serialization;

public sealed partial class GoDurationTests
{
    [Theory]
    [InlineData("0s", 0)]
    [InlineData("500ms", 500)]
    [InlineData("1m30s", 90_000)]
    [InlineData("1.5s", 1500)]
    [InlineData("2h0m0.25s", 7_200_250)]
    public void Durations_are_read(string text, int milliseconds)
    {
        GoDuration.TryParse(text, out var duration).ShouldBeTrue();
        duration.ShouldBe(TimeSpan.FromMilliseconds(milliseconds));
        Schema().IsMatch(text).ShouldBeTrue();
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("s")]
    [InlineData("-1s")]
    [InlineData("1 s")]
    [InlineData("1d")]
    [InlineData("1..5s")]
    [InlineData("1s ")]
    [InlineData("0.0001s")]
    [InlineData("99999999999999999999h")]
    [InlineData("999999999999h")]
    public void Other_texts_are_refused(string text) => GoDuration.TryParse(text, out _).ShouldBeFalse();

    [Fact]
    public void What_is_written_is_read_back_and_fits_the_schema() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), milliseconds =>
        {
            var duration = TimeSpan.FromMilliseconds(milliseconds);
            var text = GoDuration.Format(duration);
            return Schema().IsMatch(text) && GoDuration.TryParse(text, out var read) && read == duration;
        }).QuickCheckThrowOnFailure();

    [GeneratedRegex(GoDuration.Pattern, RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Schema();
}
