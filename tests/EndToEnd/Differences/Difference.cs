namespace OnCache.EndToEnd.Differences;

/// <summary>One way in which traffic could differ from the plain overlay: what is set up, and what happens to flows that are under way.</summary>
/// <remarks>
/// A step is a line <c>WHERE: COMMAND</c>. WHERE is a node or pod of the lab, such as n1 or n2p1, and the command runs there, its words separated by
/// single spaces; or it is the agent of a node, a1 or a2, with one of kill, start, unpin, unmount (the file system of the pins),
/// unlist (its socket's file goes), twin (another one is started over its pins and must be refused), squeeze (it may not have any more memory),
/// which the plain lab skips. Two commands are the lab's own: <c>recreate</c> of a pod, under its name and address, and <c>fill</c> of a node, until its
/// conntrack takes no more connections. <c>{veth}</c> and
/// <c>{mac}</c> in a command stand for a node's end of its first pod's veth pair and the MAC address of its tunnel device; <c>{n2.mac}</c> for
/// that of another node, <c>{n2}</c> for the name of a network namespace.
/// </remarks>
/// <param name="Name">A sentence about both labs.</param>
internal sealed record Difference(string Name)
{
    /// <summary>Steps before the agents start and the flows begin.</summary>
    public IReadOnlyList<string> Setup { get; init; } = [];

    /// <summary>What the plain overlay shows then: each is a part of a line of its picture, so that a setup without effect fails.</summary>
    public IReadOnlyList<string> Shows { get; init; } = [];

    /// <summary>What happens then, one after the other.</summary>
    public IReadOnlyList<Phase> Phases { get; init; } = [];

    /// <summary>Whether the flows take the fast path, both ways and on both nodes, before the first phase.</summary>
    public bool Accelerated { get; init; } = true;

    /// <summary>What is observed beside packets and connections.</summary>
    public Observation Observes { get; init; }

    /// <summary>Options of the agents.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>Whether the agents know that no policy restricts the pods: connections may begin on the fast path.</summary>
    public bool Unrestricted { get; init; }
}

/// <summary>One event in mid-flow.</summary>
/// <param name="Steps">As in <see cref="Difference"/>.</param>
/// <param name="Shows">What the plain overlay shows after it.</param>
internal sealed record Phase(IReadOnlyList<string> Steps, params IReadOnlyList<string> Shows)
{
    /// <summary>By when the lab with agents shows the same.</summary>
    public TimeSpan Bound { get; init; } = Bounds.Announced;

    /// <summary>Whether the flows are back on the fast path when both show the same.</summary>
    public bool AcceleratedAgain { get; init; }
}

/// <summary>How long a difference may last.</summary>
internal static class Bounds
{
    /// <summary>
    /// After a change that the kernel announces. The flush takes milliseconds; the rest is TCP's, which after an outage waits as long again before
    /// it sends again, and a busy machine's. Below the lease, which would end a verdict that nothing has flushed.
    /// </summary>
    public static readonly TimeSpan Announced = TimeSpan.FromSeconds(20);

    /// <summary>
    /// After a change that is announced and of which TCP need not recover. The next packet after the event is read: tens of milliseconds, but on a
    /// busy machine.
    /// </summary>
    public static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(1);

    /// <summary>After a change that nobody announces and that is looked for: five seconds, and one for a busy machine.</summary>
    public static readonly TimeSpan LookedFor = TimeSpan.FromSeconds(6);
}

/// <summary>What only some rows observe, since it takes longer.</summary>
[Flags]
internal enum Observation
{
    None = 0,

    /// <summary>Bytes a second of a TCP stream from client to server.</summary>
    Rate = 1,

    /// <summary>What a sender that must not be fragmented learns of the path's MTU.</summary>
    PathMtu = 2,

    /// <summary>The MSS of some connections, one after the other.</summary>
    SegmentSize = 4,

    /// <summary>How many connections can be open at once.</summary>
    Connections = 8,

    /// <summary>Datagrams of the same flow with another DSCP, CS1.</summary>
    Marked = 16,
}
