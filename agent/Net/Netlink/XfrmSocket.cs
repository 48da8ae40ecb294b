using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>The netlink socket of IPsec, which a kernel may be built without.</summary>
internal static class XfrmSocket
{
    /// <summary>Opens one in the calling thread's network namespace; null when the kernel has no IPsec.</summary>
    /// <exception cref="NetlinkException">The kernel refused for another reason.</exception>
    public static NetlinkSocket? TryOpen()
    {
        try
        {
            return NetlinkSocket.Open(NETLINK_XFRM);
        }
        catch (NetlinkException e) when (e.Errno == NetlinkNative.EPROTONOSUPPORT)
        {
            return null;
        }
    }
}
