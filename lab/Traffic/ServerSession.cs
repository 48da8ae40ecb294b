using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Traffic;

/// <summary>The server's side of one run.</summary>
internal sealed unsafe class ServerSession
{
    private const int StreamBuffer = 256 * 1024;
    private readonly SessionRequest request;
    private readonly DataSocket data;
    private readonly TaskCompletionSource<int> tid = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool stopped;
    private long messages;
    private long bytes;
    private LabException? failure;

    private ServerSession(SessionRequest request, DataSocket data)
    {
        this.request = request;
        this.data = data;
    }

    public static void Serve(Socket connection, IPAddress address)
    {
        using var control = new ControlChannel(connection);
        try
        {
            if (control.Read(TrafficJson.Default.SessionRequest) is { } request)
            {
                Serve(control, request, address);
            }
        }
        catch (Exception exception) when (exception is SocketException or System.Text.Json.JsonException or LabException)
        {
            // The client is gone, or is none of ours; it gets no answer, and the server goes on with the others.
            Console.Error.WriteLine($"traffic session: {exception.Message}");
        }
    }

    private static void Serve(ControlChannel control, SessionRequest request, IPAddress address)
    {
        if (request.Protocol != SessionRequest.Version || request.Size is < 1 or > TrafficRequest.MaxSegment)
        {
            control.Write(new SessionOffer(0, 0, 0, "the server does not understand this client"), TrafficJson.Default.SessionOffer);
            return;
        }

        using var socket = request.Kind.IsDatagram() ? DataSocket.Udp() : DataSocket.Tcp();
        var port = socket.BindToFreePort(address);
        if (request.Kind.IsDatagram())
        {
            socket.ForceReceiveBuffer(UdpWindow.ReceiveBuffer);
        }
        else
        {
            socket.Listen();
        }

        var session = new ServerSession(request, socket);
        var thread = new Thread(session.Work) { IsBackground = true, Name = "traffic data" };
        thread.Start();
        control.Write(new SessionOffer(port, Environment.ProcessId, session.tid.Task.Result, null), TrafficJson.Default.SessionOffer);
        control.WaitForEnd();
        session.stopped = true;
        socket.Wake();
        thread.Join();
        control.Write(new SessionReport(session.messages, session.bytes), TrafficJson.Default.SessionReport);
        if (session.failure is { } failed)
        {
            throw failed;
        }
    }

    private void Work()
    {
        tid.SetResult(Libc.gettid());
        var buffer = (byte*)NativeMemory.AllocZeroed(StreamBuffer + (nuint)request.Size);
        try
        {
            if (request.Core is { } core)
            {
                CoreUse.Pin(core);
            }

            // Connections inherit it. On a busy machine a client may be kept off its core for a good part of a second.
            data.LimitWait(ClientRun.Patience);
            switch (request.Kind)
            {
                case TrafficKind.TcpConnectRequestResponse:
                    AnswerConnections(buffer);
                    break;
                case TrafficKind.UdpRequestResponse or TrafficKind.UdpStream:
                    AnswerDatagrams(buffer);
                    break;
                default:
                    AnswerConnection(buffer);
                    break;
            }
        }
        catch (LabException exception)
        {
            failure = exception;
        }
        catch (SocketException exception)
        {
            failure = new LabException(exception.Message, exception);
        }
        finally
        {
            NativeMemory.Free(buffer);
        }
    }

    private void AnswerConnection(byte* buffer)
    {
        using var connection = data.Accept(() => stopped);
        if (connection is null)
        {
            return;
        }

        if (request.Kind == TrafficKind.TcpStream)
        {
            Drain(connection.Descriptor, buffer);
        }
        else
        {
            Echo(connection.Descriptor, buffer);
        }
    }

    private void AnswerDatagrams(byte* buffer)
    {
        if (!data.AdoptFirstSender(new byte[request.Size], () => stopped))
        {
            return;
        }

        if (request.Kind == TrafficKind.UdpStream)
        {
            CountDatagrams(data.Descriptor, buffer);
        }
        else
        {
            EchoDatagrams(data.Descriptor, buffer);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Echo(int fd, byte* buffer)
    {
        var size = request.Size;
        while (DataSocket.ReceiveAll(fd, buffer, size) && DataSocket.SendAll(fd, buffer, size))
        {
            messages++;
            bytes += size;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Drain(int fd, byte* buffer)
    {
        while (true)
        {
            var received = Libc.recv(fd, buffer, StreamBuffer, 0);
            if (received > 0)
            {
                messages++;
                bytes += received;
            }
            else if (received == 0 || (stopped && Marshal.GetLastSystemError() == Libc.EAGAIN))
            {
                return;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void EchoDatagrams(int fd, byte* buffer)
    {
        while (!stopped)
        {
            var received = Libc.recv(fd, buffer, (nuint)request.Size, 0);
            if (received > 0)
            {
                messages++;
                bytes += received;
                _ = Libc.send(fd, buffer, (nuint)received, Libc.MSG_NOSIGNAL);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CountDatagrams(int fd, byte* buffer)
    {
        UdpReport report;
        long next = 0;
        long reported = 0;
        while (true)
        {
            // What is queued is still counted after the client is done; an empty queue ends it.
            var received = Libc.recv(fd, buffer, (nuint)request.Size, stopped ? Libc.MSG_DONTWAIT : 0);
            if (received < sizeof(long))
            {
                if (stopped)
                {
                    return;
                }

                continue;
            }

            var sequence = *(long*)buffer;
            if (sequence == UdpWindow.Hello)
            {
                _ = Libc.send(fd, buffer, (nuint)received, Libc.MSG_NOSIGNAL);
                continue;
            }

            messages++;
            bytes += received;
            next = Math.Max(next, sequence + 1);
            if (next - reported >= UdpWindow.ReportEvery)
            {
                report = new UdpReport { Next = next, Received = messages };
                reported = next;
                _ = Libc.send(fd, &report, (nuint)sizeof(UdpReport), Libc.MSG_NOSIGNAL);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AnswerConnections(byte* buffer)
    {
        var size = request.Size;
        while (!stopped)
        {
            var fd = Libc.accept4(data.Descriptor, null, null, Libc.SOCK_CLOEXEC);
            if (fd < 0)
            {
                continue;
            }

            if (DataSocket.ReceiveAll(fd, buffer, size) && DataSocket.SendAll(fd, buffer, size))
            {
                messages++;
                bytes += size;
            }

            _ = Libc.CloseSocket(fd);
        }
    }
}
