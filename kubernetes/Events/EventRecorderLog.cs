using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Entities;

namespace OnCache.Kubernetes.Events;

/// <summary>What the recorder tells.</summary>
internal static partial class EventRecorderLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "Event {Reason} of {Name} not written: {Cause}")]
    public static partial void NotWritten(ILogger logger, string reason, NamespacedName name, string cause);
}
