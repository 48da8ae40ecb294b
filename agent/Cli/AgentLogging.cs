using Microsoft.Extensions.Logging;

namespace OnCache.Agent.Cli;

/// <summary>The agent's log: one line per message on standard error.</summary>
internal static class AgentLogging
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
