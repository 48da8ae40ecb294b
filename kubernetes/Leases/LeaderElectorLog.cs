using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Entities;

namespace OnCache.Kubernetes.Leases;

/// <summary>What a candidate tells.</summary>
internal static partial class LeaderElectorLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "{Identity} leads by lease {Lease}")]
    public static partial void Elected(ILogger logger, string identity, NamespacedName lease);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Identity} no longer leads by lease {Lease}: {Leader} does")]
    public static partial void Lost(ILogger logger, string identity, NamespacedName lease, string? leader);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Identity} could not take or renew lease {Lease}: {Cause}")]
    public static partial void Refused(ILogger logger, string identity, NamespacedName lease, string cause);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Identity} could not hand over lease {Lease}, it will run out: {Cause}")]
    public static partial void NotReleased(ILogger logger, string identity, NamespacedName lease, string cause);
}
