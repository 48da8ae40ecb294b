using Microsoft.Extensions.Logging;

namespace OnCache.Kubernetes.Watching;

/// <summary>What a watch tells about itself.</summary>
internal static partial class ReflectorLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "Watch of {Kind} interrupted: {Cause}; again in {Wait}")]
    public static partial void Interrupted(ILogger logger, string kind, string cause, TimeSpan wait);

    [LoggerMessage(Level = LogLevel.Error, Message = "Watch of {Kind} failed unexpectedly")]
    public static partial void Threw(ILogger logger, Exception exception, string kind);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Kind}: the server has no such kind any more, so there are no objects of it")]
    public static partial void Gone(ILogger logger, string kind);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Watch of {Kind} silent past its end after {Elapsed}; connecting anew")]
    public static partial void Hung(ILogger logger, string kind, TimeSpan elapsed);
}
