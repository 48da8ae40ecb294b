using System.Threading.Channels;
using OnCache.Agent.Telemetry;

namespace OnCache.Agent.Daemon;

/// <summary>
/// Leads the socket's requests to the agent that runs now, and keeps its datapath alive while one is answered.
/// </summary>
internal sealed class CurrentAgent : IStatusSource, IFlushTarget
{
    private readonly Lock _lock = new();
    // However often something is new, it is one piece of news for who comes to look.
    private readonly Channel<bool> _news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private NodeAgent? _agent;
    private StatusReport? _report;

    /// <summary>Requests go to this agent until the result is disposed.</summary>
    public IDisposable Use(NodeAgent agent, StatusReport report)
    {
        lock (_lock)
        {
            (_agent, _report) = (agent, report);
            agent.Published += Tell;
        }

        Tell(agent, EventArgs.Empty);
        return new Turn(this);
    }

    /// <summary>Has an item when <see cref="State"/> is another than before. One reader.</summary>
    public ChannelReader<bool> News => _news.Reader;

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

    private void Tell(object? sender, EventArgs none) => _ = _news.Writer.TryWrite(true);

    private sealed class Turn(CurrentAgent owner) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._lock)
            {
                owner._agent?.Published -= owner.Tell;
                (owner._agent, owner._report) = (null, null);
            }
        }
    }
}
