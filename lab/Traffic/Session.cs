using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace OnCache.Lab.Traffic;

/// <summary>Client to server on the control connection: open a data socket for this.</summary>
/// <param name="Protocol">Layout version of these messages.</param>
internal sealed record SessionRequest(int Protocol, TrafficKind Kind, int Size, int? Core)
{
    public const int Version = 1;
}

/// <summary>Server to client: where the data goes, and the thread that serves it, whose CPU time the client reads from /proc.</summary>
internal sealed record SessionOffer(int Port, int Pid, int Tid, string? Error);

/// <summary>Server to client, after the client has said it is done.</summary>
internal sealed record SessionReport(long Messages, long Bytes);

/// <summary>One JSON object a line over the control connection.</summary>
internal sealed class ControlChannel : IDisposable
{
    private const int MaxLine = 4096;
    private readonly Socket socket;
    private readonly byte[] one = new byte[1];

    public ControlChannel(Socket socket)
    {
        this.socket = socket;
        socket.NoDelay = true;
    }

    public IPEndPoint Local => (IPEndPoint)socket.LocalEndPoint!;

    public void Write<T>(T message, JsonTypeInfo<T> type)
    {
        var line = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(message, type) + "\n");
        socket.Send(line);
    }

    /// <summary>The next message; default when the other side has closed.</summary>
    public T? Read<T>(JsonTypeInfo<T> type)
        where T : class
    {
        var line = new List<byte>();
        while (line.Count < MaxLine)
        {
            if (socket.Receive(one) == 0)
            {
                return null;
            }

            if (one[0] == '\n')
            {
                return JsonSerializer.Deserialize(line.ToArray(), type);
            }

            line.Add(one[0]);
        }

        throw new LabException($"traffic control: a message of more than {MaxLine} bytes");
    }

    /// <summary>Waits until the other side has closed its half.</summary>
    public void WaitForEnd()
    {
        while (socket.Receive(one) > 0)
        {
        }
    }

    public void EndWriting() => socket.Shutdown(SocketShutdown.Send);

    public void Dispose() => socket.Dispose();
}
