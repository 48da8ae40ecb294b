using System.Runtime.InteropServices;

namespace OnCache.Lab.Traffic;

/// <summary>The flow control of the datagram stream: how far the sender may be ahead, and how often the receiver says where it is.</summary>
/// <remarks>
/// On one shared core an unbounded sender would fill the receiver's queue until it is preempted, and the figure would be the scheduler's.
/// The reports also make the flow two-way, without which no connection tracker calls it established.
/// </remarks>
internal static class UdpWindow
{
    public const int Datagrams = 256;
    public const int ReportEvery = 64;
    public const int ReceiveBuffer = 8 * 1024 * 1024;
    public const long Hello = -1;
}

/// <summary>Receiver to sender: one past the highest sequence number seen, and how many datagrams have come.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct UdpReport
{
    public long Next;
    public long Received;
}
