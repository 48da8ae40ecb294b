using OnCache.Agent.Datapath;
using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Daemon;

/// <summary>Devices that take every program, and are none.</summary>
internal sealed class IdleAttacher : IProgramAttacher
{
    /// <summary>Called when a program is to be taken off a device.</summary>
    public Action Detaching { get; init; } = static () => { };

    /// <summary>Called when the kernel would be asked what is on a device.</summary>
    public Action Looking { get; init; } = static () => { };

    public string Name => "none";

    public bool IsAttached(int ifIndex, string program, TcDirection direction, uint programId)
    {
        Looking();
        return true;
    }

    public bool IsBeforeOurs(TcFilter filter) => false;

    public IReadOnlyList<uint> Others(int ifIndex, TcDirection direction, bool behindOurs, IReadOnlySet<uint> ours)
    {
        Looking();
        return [];
    }

    public void Attach(int ifIndex, string program, TcDirection direction, int programFd)
    {
    }

    public void Detach(int ifIndex, string program, TcDirection direction) => Detaching();

    public IReadOnlyCollection<int> AttachedDevices() => [];
}
