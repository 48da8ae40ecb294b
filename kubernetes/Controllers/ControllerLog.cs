using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Entities;

namespace OnCache.Kubernetes.Controllers;

/// <summary>What a controller's host tells.</summary>
internal static partial class ControllerLog
{
    [LoggerMessage(Level = LogLevel.Debug, Message = "{Kind} {Name} changed meanwhile, again: {Cause}")]
    public static partial void Outdated(ILogger logger, string kind, NamespacedName name, string cause);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Kind} {Name} not reconciled: {Cause}")]
    public static partial void Failed(ILogger logger, Exception? exception, string kind, NamespacedName name, string? cause);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Kind} {Name} not reconciled")]
    public static partial void Threw(ILogger logger, Exception exception, string kind, NamespacedName name);
}
