using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>The connections that conntrack knows in the calling thread's network namespace.</summary>
internal static class ConntrackTable
{
    // The largest request: header, a tuple of 52 octets, zone, two flags in their nests.
    private const int RequestLength = 256;

    /// <summary>
    /// Sets "be liberal" on each TCP connection that is open: conntrack has not seen the segments that took the fast path, and without it
    /// would take whatever comes next on the CNI's path for a forgery.
    /// </summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static void MakeTcpLiberal()
    {
        using var socket = NetlinkSocket.Open(NETLINK_NETFILTER);
        Span<byte> buffer = stackalloc byte[RequestLength];
        foreach (var connection in socket.Dump(ConntrackMessage.DumpRequest(buffer), "list connections", ConntrackMessage.ParseTcp))
        {
            try
            {
                socket.Execute(ConntrackMessage.LiberalRequest(buffer, connection), "make a connection liberal");
            }
            catch (NetlinkException gone) when (gone.Errno == NetlinkNative.ENOENT)
            {
                // It ended since.
            }
        }
    }
}
