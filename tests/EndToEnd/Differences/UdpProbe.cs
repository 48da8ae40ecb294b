using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Differences;

/// <summary>Datagrams of one flow, and what became of them.</summary>
internal sealed class UdpProbe(UdpConversation conversation)
{
    private const int Datagrams = 8;
    private const int IpMtu = 14;
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(250);
    private int next = 1 << 30;

    private Socket Socket => conversation.Socket;

    /// <summary>How many of some datagrams are answered, and what the sender is told of the others.</summary>
    public async Task<string> AnsweredAsync()
    {
        var (first, errors) = (next, new SortedSet<string>(StringComparer.Ordinal));
        next += Datagrams;
        for (var number = first; number < next; number++)
        {
            var datagram = new byte[32];
            BinaryPrimitives.WriteInt32BigEndian(datagram, number);
            Try(() => Socket.Send(datagram), errors);
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        var (answered, started, buffer) = (0, Stopwatch.GetTimestamp(), new byte[65536]);
        while (answered < Datagrams && Stopwatch.GetElapsedTime(started) < s_patience)
        {
            if (!Socket.Poll(TimeSpan.Zero, SelectMode.SelectRead))
            {
                await Task.Delay(1, TestContext.Current.CancellationToken);
                continue;
            }

            // What was asked earlier may be answered late.
            var length = Try(() => Socket.Receive(buffer), errors);
            answered += length == 32 && BinaryPrimitives.ReadInt32BigEndian(buffer) >= first ? 1 : 0;
        }

        var share = answered == Datagrams ? "all" : answered == 0 ? "none" : "some";
        return $"{share} answered{string.Concat(errors.Select(static error => $", {error}"))}";
    }

    /// <summary>The same of datagrams with a DSCP.</summary>
    /// <param name="dscp">0 to 63.</param>
    public async Task<string> AnsweredAsync(int dscp)
    {
        Socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.TypeOfService, dscp << 2);
        try
        {
            return await AnsweredAsync();
        }
        finally
        {
            Socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.TypeOfService, 0);
        }
    }

    /// <summary>The MTU of the path, bytes, after datagrams as large as the pod's device takes that must not be fragmented.</summary>
    public async Task<int> PathMtuAsync(IPod client)
    {
        Socket.DontFragment = true;
        var largest = new byte[client.Run(static () => Agent.Net.NetworkSnapshotReader.Read().LinkByName("eth0")!.Mtu) - 28];
        for (var sent = 0; sent < 3; sent++)
        {
            Try(() => Socket.Send(largest), []);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        // A refusal also waits as the socket's error until it is read.
        _ = Socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error);
        Socket.DontFragment = false;
        var value = new byte[sizeof(int)];
        _ = Socket.GetRawSocketOption((int)SocketOptionLevel.IP, IpMtu, value);
        return BitConverter.ToInt32(value);
    }

    private static int Try(Func<int> call, SortedSet<string> errors)
    {
        try
        {
            return call();
        }
        catch (SocketException refused)
        {
            errors.Add($"{refused.SocketErrorCode}");
            return 0;
        }
    }
}
