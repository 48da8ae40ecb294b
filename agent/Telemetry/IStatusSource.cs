namespace OnCache.Agent.Telemetry;

/// <summary>Where the socket's answers come from. Called from any thread.</summary>
internal interface IStatusSource
{
    /// <summary>The whole status; reads the maps, so it costs milliseconds.</summary>
    /// <param name="countFlows">
    /// Count the cached flows anew, which takes up to 0.3 s per million of them; else their number is that of the last count.
    /// </param>
    /// <exception cref="DatapathReplacedException">There is none at the moment.</exception>
    AgentStatus Status(bool countFlows);

    /// <summary>Readiness and liveness; costs nothing.</summary>
    AgentHealth Health();
}

/// <summary>Maps of other sizes are just taking the place of those in use; in a moment there is somebody to ask again.</summary>
internal sealed class DatapathReplacedException() : Exception("the datapath is being replaced; ask again");

/// <summary>Readiness and liveness.</summary>
/// <param name="Live">The agent's event loop turns.</param>
/// <param name="Ready">Programs and maps are in place, the configuration is applied and the heartbeat runs.</param>
/// <param name="Reason">Why one of them is false.</param>
internal sealed record AgentHealth(bool Live, bool Ready, string? Reason);
