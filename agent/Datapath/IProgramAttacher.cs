using OnCache.Agent.Bpf;
using OnCache.Agent.Net;

namespace OnCache.Agent.Datapath;

/// <summary>Puts programs on devices and takes them off, and nothing else of these devices' hooks.</summary>
internal interface IProgramAttacher
{
    /// <summary>The mechanism, as status shows it: tcx or clsact.</summary>
    string Name { get; }

    /// <summary>Attaches, or replaces in one step the program that an earlier agent attached at this place.</summary>
    void Attach(int ifIndex, string program, TcDirection direction, int programFd);

    /// <summary>Detaches ours. No error when there is none, or when the device has gone.</summary>
    void Detach(int ifIndex, string program, TcDirection direction);

    /// <summary>Whether the program is at its place; false where somebody took it off.</summary>
    bool IsAttached(int ifIndex, string program, TcDirection direction, uint programId);

    /// <summary>Whether a filter runs before ours at a hook, and so sees what takes the fast path.</summary>
    bool IsBeforeOurs(TcFilter filter);

    /// <summary>The programs of others at a tcx hook.</summary>
    /// <param name="behindOurs">Those alone that run behind ours, or will when ours is attached.</param>
    /// <exception cref="BpfException">The kernel refused to tell.</exception>
    IReadOnlyList<uint> Others(int ifIndex, TcDirection direction, bool behindOurs, IReadOnlySet<uint> ours);

    /// <summary>Devices that hold a program of ours, also those attached by an earlier agent.</summary>
    IReadOnlyCollection<int> AttachedDevices();
}
