using System.Runtime.InteropServices;

namespace OnCache.Agent.Net;

/// <summary>The kernel refused a netlink operation.</summary>
internal sealed class NetlinkException : IOException
{
    public NetlinkException(string operation, int errno, string? detail = null)
        : base($"netlink: {operation}: {Marshal.GetPInvokeErrorMessage(errno)}{(detail is null ? "" : $" ({detail})")}")
    {
        Operation = operation;
        Errno = errno;
    }

    /// <summary>What was being done, in words.</summary>
    public string Operation { get; }

    /// <summary>The positive errno value.</summary>
    public int Errno { get; }
}
