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

    /// <summary>Devices that hold a program of ours, also those attached by an earlier agent.</summary>
    IReadOnlyCollection<int> AttachedDevices();
}
