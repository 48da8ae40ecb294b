using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace OnCache.Kubernetes.Cli;

/// <summary>One line per message: UTC time, severity, text and, of an exception, its message.</summary>
/// <param name="withStack">Whether exceptions are written with their stack, over several lines.</param>
/// <param name="time">The clock of the lines.</param>
internal sealed class LogLineFormatter(bool withStack, TimeProvider? time = null) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "oncache";

    private readonly TimeProvider _time = time ?? TimeProvider.System;

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var moment = _time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var text = logEntry.Formatter(logEntry.State, logEntry.Exception);
        if (logEntry.Exception is { } failure)
        {
            text = $"{text}: {(withStack ? failure.ToString() : failure.Message)}";
        }

        textWriter.WriteLine($"{moment} {Severity(logEntry.LogLevel),-5} {(withStack ? text : text.ReplaceLineEndings(" "))}");
    }

    private static string Severity(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        _ => "error",
    };
}
