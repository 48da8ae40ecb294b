using Microsoft.Extensions.Logging;

namespace OnCache.Kubernetes.Cli;

/// <summary>A daemon's log: one line per message on standard error.</summary>
public static class LogLines
{
    /// <summary>A log from the given severity on; with debug, exceptions come with their stack.</summary>
    public static ILoggerFactory Create(LogLevel level) => LoggerFactory.Create(builder => builder
        .SetMinimumLevel(level)
        .AddConsole(console =>
        {
            console.FormatterName = LogLineFormatter.FormatterName;
            console.LogToStandardErrorThreshold = LogLevel.Trace;
        })
        .AddConsoleFormatter<LogLineFormatter, LogLineOptions>(options => options.Stack = level <= LogLevel.Debug));
}
