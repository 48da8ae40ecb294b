using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>
/// Tells conntrack of connections that ended on the fast path: the state that it would have come to by itself, with that state's timeout.
/// Works in the network namespace of the thread that opened it. Not for two threads at once.
/// </summary>
internal sealed class EndedConnections : IDisposable
{
    /// <summary>Messages that go to the kernel together.</summary>
    public const int Batch = 64;

    private const int MessageLength = 160;

    private readonly NetlinkSocket _socket;
    private readonly byte[] _buffer = new byte[Batch * MessageLength];
    private int _length;
    private int _count;

    private EndedConnections(NetlinkSocket socket) => _socket = socket;

    /// <exception cref="NetlinkException">The kernel refused a socket.</exception>
    public static EndedConnections Open() => new(NetlinkSocket.Open(NETLINK_NETFILTER));

    /// <summary>Notes one; what is noted is told by <see cref="Send"/>, or when there are many.</summary>
    public void Add(in ConnectionTuple connection, TcpConntrackState state, uint timeoutSeconds)
    {
        var message = ConntrackMessage.EndedRequest(_buffer.AsSpan(_length, MessageLength), connection, state, timeoutSeconds);
        _length += message.Length;
        if (++_count == Batch)
        {
            Send();
        }
    }

    /// <summary>Tells conntrack what was noted. In no case is it told again.</summary>
    /// <exception cref="NetlinkException">The kernel refused to take it.</exception>
    public void Send()
    {
        if (_count > 0)
        {
            var noted = _buffer.AsSpan(0, _length);
            // Before it may fail: the next ones need the room.
            (_length, _count) = (0, 0);
            _socket.SendAll(noted, "tell conntrack of ended connections");
            Drain();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    /// <summary>The kernel answers what it could not do: the connection is not known to it, or no longer.</summary>
    private void Drain()
    {
        try
        {
            while (_socket.TryReceive(out _))
            {
            }
        }
        catch (NetlinkException full) when (full.Errno == NetlinkNative.ENOBUFS)
        {
            // More refusals than the socket holds; none of them matters.
        }
    }
}
