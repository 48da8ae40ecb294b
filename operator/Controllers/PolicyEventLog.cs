using Microsoft.Extensions.Logging;
using OnCache.Api;

namespace OnCache.Operator.Controllers;

/// <summary>Events as lines of the log.</summary>
internal sealed partial class PolicyEventLog(ILogger<PolicyEventLog> logger) : IPolicyEventSink
{
    public Task PublishAsync(V1Alpha1OverlayCachePolicy policy, PolicyEvent happened, CancellationToken cancellationToken)
    {
        Log(happened.IsWarning ? LogLevel.Warning : LogLevel.Information, policy.Metadata.Name!, happened.Reason, happened.Note);
        return Task.CompletedTask;
    }

    [LoggerMessage(Message = "policy {Name}: {Reason}: {Note}")]
    private partial void Log(LogLevel level, string name, string reason, string note);
}
