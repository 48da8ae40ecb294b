using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Traffic;

/// <summary>A blocking data socket whose descriptor the traffic loops use directly; failures name the peer and the reason.</summary>
/// <remarks>Socket's own Send and Receive would add some 100 ns to every call, which is of the order of what is measured.</remarks>
internal sealed unsafe class DataSocket : IDisposable
{
    private readonly Socket socket;

    public DataSocket(Socket socket)
    {
        this.socket = socket;
        Descriptor = (int)socket.Handle;
    }

    public int Descriptor { get; }

    public static DataSocket Udp() => new(new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));

    public static DataSocket Tcp() => new(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });

    public int BindToFreePort(IPAddress address)
    {
        socket.Bind(new IPEndPoint(address, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    public void Listen() => socket.Listen(1024);

    public void Connect(EndPoint peer) => socket.Connect(peer);

    /// <summary>Bounds every later blocking call; a call that runs into it fails with EAGAIN.</summary>
    public void LimitWait(TimeSpan limit)
    {
        var time = TimeValue.Of(limit);
        Set(Libc.SOL_SOCKET, Libc.SO_RCVTIMEO, &time, (uint)sizeof(TimeValue));
        Set(Libc.SOL_SOCKET, Libc.SO_SNDTIMEO, &time, (uint)sizeof(TimeValue));
    }

    /// <summary>Room for a whole window, so that the receiver being off the core does not look like loss on the path.</summary>
    public void ForceReceiveBuffer(int bytes) => Set(Libc.SOL_SOCKET, Libc.SO_RCVBUFFORCE, &bytes, sizeof(int));

    /// <summary>Waits for the first datagram and answers only its sender from then on; false when stopped first.</summary>
    public bool AdoptFirstSender(byte[] buffer, Func<bool> stopped)
    {
        EndPoint sender = new IPEndPoint(IPAddress.Any, 0);
        while (!stopped())
        {
            if (socket.Poll(100_000, SelectMode.SelectRead))
            {
                var length = socket.ReceiveFrom(buffer, ref sender);
                socket.Connect(sender);
                socket.Send(buffer.AsSpan(0, length));
                return true;
            }
        }

        return false;
    }

    /// <summary>The next connection; null when stopped first.</summary>
    public DataSocket? Accept(Func<bool> stopped)
    {
        while (!stopped())
        {
            if (socket.Poll(100_000, SelectMode.SelectRead))
            {
                var connection = socket.Accept();
                connection.NoDelay = true;
                return new DataSocket(connection);
            }
        }

        return null;
    }

    /// <summary>Payload bytes the peer's kernel has acknowledged: tcpi_bytes_acked of struct tcp_info.</summary>
    public long AcknowledgedBytes()
    {
        const int Offset = 120;
        Span<byte> info = stackalloc byte[Offset + sizeof(long)];
        if (socket.GetRawSocketOption(Libc.IPPROTO_TCP, Libc.TCP_INFO, info) < info.Length)
        {
            throw new LabException("TCP_INFO: this kernel does not count acknowledged bytes");
        }

        return MemoryMarshal.Read<long>(info[Offset..]);
    }

    /// <summary>Sends everything; false when the peer has closed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool SendAll(int fd, byte* data, int length)
    {
        while (length > 0)
        {
            var sent = Libc.send(fd, data, (nuint)length, Libc.MSG_NOSIGNAL);
            if (sent < 0)
            {
                var error = Marshal.GetLastSystemError();
                if (error == Libc.EINTR)
                {
                    continue;
                }

                if (error == Libc.EAGAIN)
                {
                    throw Failure("send", error);
                }

                return false;
            }

            data += sent;
            length -= (int)sent;
        }

        return true;
    }

    /// <summary>Receives exactly this many bytes; false when the peer has closed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool ReceiveAll(int fd, byte* data, int length)
    {
        while (length > 0)
        {
            var received = Libc.recv(fd, data, (nuint)length, 0);
            if (received < 0)
            {
                var error = Marshal.GetLastSystemError();
                if (error == Libc.EINTR)
                {
                    continue;
                }

                if (error == Libc.EAGAIN)
                {
                    throw Failure("receive", error);
                }

                return false;
            }

            if (received == 0)
            {
                return false;
            }

            data += received;
            length -= (int)received;
        }

        return true;
    }

    public static LabException Failure(string call, int error) =>
        error == Libc.EAGAIN
            ? new LabException($"traffic: {call}: the peer did not answer in time; is the path open?")
            : new LabException($"traffic: {call}: {Marshal.GetPInvokeErrorMessage(error)}");

    /// <summary>Ends a wait for datagrams or connections now instead of at its time limit. What is queued can still be read.</summary>
    public void Wake() => _ = Libc.shutdown(Descriptor, Libc.SHUT_RD);

    public void Dispose() => socket.Dispose();

    private void Set(int level, int name, void* value, uint length)
    {
        if (Libc.setsockopt(Descriptor, level, name, value, length) != 0)
        {
            throw Failure("setsockopt", Marshal.GetLastSystemError());
        }
    }
}
