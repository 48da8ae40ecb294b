using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OnCache.Kubernetes.Cli;

namespace OnCache.Kubernetes.Tests.Cli;

public sealed class LogLineFormatterTests
{
    [Theory]
    [InlineData(LogLevel.Information, "info ")]
    [InlineData(LogLevel.Warning, "warn ")]
    [InlineData(LogLevel.Critical, "error")]
    public void A_message_is_one_line_with_UTC_time_and_severity(LogLevel level, string severity) =>
        Write(level, "two\nlines", failure: null).ShouldBe($"2026-01-02T03:04:05.006Z {severity} two lines\n");

    [Fact]
    public void An_exception_is_its_message() =>
        Write(LogLevel.Error, "failed", new InvalidOperationException("why")).ShouldBe("2026-01-02T03:04:05.006Z error failed: why\n");

    [Fact]
    public void The_stack_is_written_when_asked_for() =>
        Write(LogLevel.Error, "failed", new InvalidOperationException("why"), stack: true).ShouldContain(nameof(InvalidOperationException));

    private static string Write(LogLevel level, string text, Exception? failure, bool stack = false)
    {
        using var writer = new StringWriter();
        var formatter = new LogLineFormatter(stack, new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 6, TimeSpan.Zero)));
        formatter.Write(new LogEntry<string>(level, "category", default, text, failure, (state, _) => state), scopeProvider: null, writer);
        return writer.ToString();
    }
}
