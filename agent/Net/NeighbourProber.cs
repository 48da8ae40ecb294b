using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>
/// Tells the kernel which neighbours the cached path uses, since its packets do not. Works in the network namespace of the thread that
/// opened it; safe for any thread.
/// </summary>
internal sealed class NeighbourProber : IDisposable
{
    private const int RequestLength = 64;

    private readonly NetlinkSocket _socket;
    private readonly Lock _lock = new();

    private NeighbourProber(NetlinkSocket socket) => _socket = socket;

    /// <exception cref="NetlinkException">The kernel refused a socket.</exception>
    public static NeighbourProber Open() => new(NetlinkSocket.Open(NETLINK_ROUTE));

    /// <summary>
    /// Makes the kernel resolve the neighbour, or confirm it when it is stale (NTF_USE). The answer comes as a neighbour event.
    /// </summary>
    /// <exception cref="NetlinkException">No such device (ENODEV), or no permission (EPERM).</exception>
    public void Use(int ifIndex, Ipv4Address address)
    {
        lock (_lock)
        {
            _socket.Execute(
                NeighbourMessage.UseRequest(stackalloc byte[RequestLength], ifIndex, address),
                $"use neighbour {address} on ifindex {ifIndex}");
        }
    }

    /// <summary>Makes the kernel ask a neighbour that it believes to know, without waiting for the entry to age.</summary>
    /// <exception cref="NetlinkException">The neighbour or its device has gone, or no permission (EPERM).</exception>
    public void Confirm(Neighbour neighbour)
    {
        lock (_lock)
        {
            _socket.Execute(
                NeighbourMessage.ConfirmRequest(
                    stackalloc byte[RequestLength], neighbour.IfIndex, neighbour.Address, neighbour.Mac.GetValueOrDefault()),
                $"confirm neighbour {neighbour.Address} on ifindex {neighbour.IfIndex}");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
