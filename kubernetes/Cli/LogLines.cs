using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace OnCache.Kubernetes.Cli;

/// <summary>A daemon's log: one line per message on standard error.</summary>
public static class LogLines
{
    /// <summary>A log from the given severity on; with debug, exceptions come with their stack.</summary>
    public static ILoggerFactory Create(LogLevel level) => LoggerFactory.Create(builder => builder
        .SetMinimumLevel(level)
        .AddConsole(static console =>
        {
            console.FormatterName = LogLineFormatter.FormatterName;
            console.LogToStandardErrorThreshold = LogLevel.Trace;
        })
        .Services.AddSingleton<ConsoleFormatter>(new LogLineFormatter(withStack: level <= LogLevel.Debug)));
}
