using OnCache.Agent.Telemetry;

namespace OnCache.Agent.Daemon;

/// <summary>
/// Leads the socket's requests to the agent that runs now, and keeps its datapath alive while one is answered.
/// </summary>
internal sealed class CurrentAgent : IStatusSource, IFlushTarget
{
    private readonly Lock _lock = new();
    private NodeAgent? _agent;
    private StatusReport? _report;

    /// <summary>Requests go to this agent until the result is disposed.</summary>
    public IDisposable Use(NodeAgent agent, StatusReport report)
    {
        lock (_lock)
        {
            (_agent, _report) = (agent, report);
        }

        return new Turn(this);
    }

    /// <summary>What the loop published last; null while there is none.</summary>
    public AgentState? State
    {
        get
        {
            lock (_lock)
            {
                return _agent?.State;
            }
        }
    }

    /// <summary>How full connection tracking was at the last look; null while there is no agent, and where it cannot be told.</summary>
    public ConntrackStatus? ConntrackStatus
    {
        get
        {
            lock (_lock)
            {
                return _agent?.ConntrackStatus;
            }
        }
    }

    public AgentStatus Status(bool countFlows)
    {
        lock (_lock)
        {
            return _report?.Status(countFlows) ?? throw new DatapathReplacedException();
        }
    }

    public AgentHealth Health()
    {
        lock (_lock)
        {
            return _report?.Health() ?? new AgentHealth(Live: true, Ready: false, "the datapath is being replaced");
        }
    }

    public FlushOutcome Flush(FlushRequest request)
    {
        lock (_lock)
        {
            return _agent?.Flush(request) ?? throw new DatapathReplacedException();
        }
    }

    private sealed class Turn(CurrentAgent owner) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._lock)
            {
                (owner._agent, owner._report) = (null, null);
            }
        }
    }
}
