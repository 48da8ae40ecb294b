namespace OnCache.Api.Tests;

public sealed class ExcerptTests
{
    [Theory]
    [InlineData("short", "short")]
    [InlineData("just fits.", "just fits.")]
    [InlineData("does not fit", "does no...")]
    [InlineData("two\nlines", "two lines")]
    [InlineData("\u001b[2J\u202etext", "\uFFFD[2J\uFFFDtext")]
    [InlineData("123456\U0001F600789", "123456...")]
    public void A_text_is_one_line_of_at_most_so_many_characters(string text, string expected) => Excerpt.Of(text, 10).ShouldBe(expected);
}
