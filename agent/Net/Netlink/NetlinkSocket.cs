using System.Runtime.InteropServices;

using static OnCache.Agent.Net.NetlinkNative;
using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>Turns one message of a dump into a record; null skips the message.</summary>
internal delegate T? NetlinkParser<out T>(in NetlinkMessage message)
    where T : class;

/// <summary>Takes one message of a list; false for enough.</summary>
internal delegate bool NetlinkTaker(in NetlinkMessage message);

/// <summary>
/// A netlink socket. It belongs for its whole life to the network namespace of the thread that opened it, whichever thread uses it later.
/// Not safe for use by two threads at once.
/// </summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    // The kernel fills at most 32 KiB per datagram of a dump, and events are smaller.
    private const int BufferLength = 64 * 1024;
    private const int MaxInterruptedDumps = 16;
    private const int ReplyTimeoutSeconds = 10;

    private readonly NetlinkHandle _handle;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferLength, pinned: true);
    private uint _sequence;

    /// <summary>Takes over an open socket.</summary>
    public NetlinkSocket(NetlinkHandle handle) => _handle = handle;

    /// <summary>The descriptor, for poll; owned by this object.</summary>
    public int Descriptor => (int)_handle.DangerousGetHandle();

    /// <summary>Opens a socket in the calling thread's network namespace.</summary>
    /// <param name="protocol">NETLINK_ROUTE or NETLINK_XFRM.</param>
    /// <exception cref="NetlinkException">The kernel refused; EPROTONOSUPPORT when it has no such protocol.</exception>
    public static NetlinkSocket Open(int protocol)
    {
        var handle = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
        if (handle.IsInvalid)
        {
            var errno = Marshal.GetLastPInvokeError();
            handle.Dispose();
            throw new NetlinkException($"open a netlink socket of protocol {protocol}", errno);
        }

        var result = new NetlinkSocket(handle);
        try
        {
            result.Bind();
            // A text from the kernel beats a bare EINVAL; older kernels lack the option and that is no loss.
            result.TrySetOption(SOL_NETLINK, NETLINK_EXT_ACK, 1);
            result.TrySetOption(SOL_NETLINK, NETLINK_CAP_ACK, 1);
            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    /// <summary>Joins a multicast group; its events are read by <see cref="TryReceive"/>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void Subscribe(int group)
    {
        if (!TrySubscribe(group))
        {
            throw new NetlinkException($"subscribe to group {group}", Marshal.GetLastPInvokeError());
        }
    }

    /// <summary>Joins a multicast group that the kernel may not have; false when it has not.</summary>
    public bool TrySubscribe(int group) => TrySetOption(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);

    /// <summary>Sets the receive buffer, which holds events until they are read. Unit: octets.</summary>
    public void SetReceiveBuffer(int octets)
    {
        // FORCE goes past net.core.rmem_max and needs CAP_NET_ADMIN; without it the limit applies, and overflow is handled anyway.
        if (!TrySetOption(SOL_SOCKET, SO_RCVBUFFORCE, octets))
        {
            TrySetOption(SOL_SOCKET, SO_RCVBUF, octets);
        }
    }

    /// <summary>Asks for a list and parses its entries. A list that changed while it was read is asked for again.</summary>
    /// <param name="request">A message with NLM_F_REQUEST and NLM_F_DUMP; its sequence number is filled in.</param>
    /// <param name="operation">What is being done, for errors.</param>
    /// <param name="parse">Turns a message into an entry.</param>
    /// <exception cref="NetlinkException">The kernel refused, or the list kept changing (EAGAIN).</exception>
    public List<T> Dump<T>(Span<byte> request, string operation, NetlinkParser<T> parse)
        where T : class
    {
        var entries = new List<T>();
        for (var attempt = 0; attempt < MaxInterruptedDumps; attempt++)
        {
            entries.Clear();
            if (TryDump(request, operation, parse, entries))
            {
                return entries;
            }
        }

        throw new NetlinkException(operation, EAGAIN, $"the list changed during each of {MaxInterruptedDumps} reads");
    }

    /// <summary>Asks once for a list and reads it until <paramref name="take"/> has enough, after which the socket is of no more use.</summary>
    /// <param name="steady">Whether nothing changed that the kernel counts with the list while it was read. Else entries may be missing or old.</param>
    /// <returns>False where it was broken off.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public bool TryDumpSome(Span<byte> request, string operation, NetlinkTaker take, out bool steady)
    {
        steady = true;
        var sequence = Send(request, operation);
        while (true)
        {
            var datagram = ReceiveReply(operation);
            while (NetlinkMessage.TryTake(ref datagram, out var message))
            {
                if (message.Sequence != sequence)
                {
                    continue;
                }

                steady &= (message.Flags & NLM_F_DUMP_INTR) == 0;
                if (message.Type is NLMSG_DONE or NLMSG_ERROR)
                {
                    ThrowOnError(message, operation);
                    return true;
                }

                if (!take(message))
                {
                    return false;
                }
            }
        }
    }

    /// <summary>Sends a request and waits for its acknowledgement.</summary>
    /// <param name="request">A message with NLM_F_REQUEST and NLM_F_ACK; its sequence number is filled in.</param>
    /// <param name="operation">What is being done, for errors.</param>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void Execute(Span<byte> request, string operation)
    {
        var sequence = Send(request, operation);
        while (true)
        {
            var datagram = ReceiveReply(operation);
            while (NetlinkMessage.TryTake(ref datagram, out var message))
            {
                if (message.Sequence == sequence && message.Type == NLMSG_ERROR)
                {
                    ThrowOnError(message, operation);
                    return;
                }
            }
        }
    }

    /// <summary>Sends complete messages, several in one datagram. What the kernel refuses of them it answers one by one.</summary>
    /// <exception cref="NetlinkException">The kernel did not take the datagram.</exception>
    public void SendAll(ReadOnlySpan<byte> messages, string operation)
    {
        fixed (byte* start = messages)
        {
            if (send(_handle, start, (nuint)messages.Length, 0) < 0)
            {
                throw new NetlinkException(operation, Marshal.GetLastPInvokeError());
            }
        }
    }

    /// <summary>Takes one datagram of events if there is one.</summary>
    /// <param name="datagram">The datagram, valid until the next call.</param>
    /// <exception cref="NetlinkException">ENOBUFS: the kernel dropped events; whatever else failed.</exception>
    public bool TryReceive(out ReadOnlySpan<byte> datagram)
    {
        var length = Receive(MSG_DONTWAIT | MSG_TRUNC, out var errno);
        if (length < 0)
        {
            datagram = default;
            return errno == EAGAIN ? false : throw new NetlinkException("receive events", errno);
        }

        // A cut datagram lost an event, which is what ENOBUFS means.
        datagram = length <= BufferLength ? _buffer.AsSpan(0, length) : throw new NetlinkException("receive events", ENOBUFS);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private bool TryDump<T>(Span<byte> request, string operation, NetlinkParser<T> parse, List<T> entries)
        where T : class
    {
        var sequence = Send(request, operation);
        var consistent = true;
        while (true)
        {
            var datagram = ReceiveReply(operation);
            while (NetlinkMessage.TryTake(ref datagram, out var message))
            {
                if (message.Sequence != sequence)
                {
                    continue;
                }

                // The flag may come on any message, the last included. The rest must be read, or it would answer the next request.
                consistent &= (message.Flags & NLM_F_DUMP_INTR) == 0;
                switch (message.Type)
                {
                    case NLMSG_DONE:
                    case NLMSG_ERROR:
                        ThrowOnError(message, operation);
                        return consistent;
                    default:
                        if (parse(message) is { } entry)
                        {
                            entries.Add(entry);
                        }

                        break;
                }
            }
        }
    }

    private static void ThrowOnError(in NetlinkMessage message, string operation)
    {
        if (message.Payload.Length < sizeof(int) || message.Read<int>() is not (var error and < 0))
        {
            return;
        }

        string? detail = null;
        if ((message.Flags & NLM_F_ACK_TLVS) != 0)
        {
            // With NETLINK_CAP_ACK the refused message is repeated as its header only. NLMSG_DONE repeats nothing.
            var echoed = message.Type == NLMSG_ERROR ? HeaderLength : 0;
            foreach (var attribute in message.Attributes(sizeof(int) + echoed))
            {
                if (attribute.Type == NLMSGERR_ATTR_MSG)
                {
                    detail = attribute.Text;
                }
            }
        }

        throw new NetlinkException(operation, -error, detail);
    }

    private void Bind()
    {
        var address = new SockaddrNl { Family = AF_NETLINK };
        if (bind(_handle, &address, (uint)sizeof(SockaddrNl)) != 0)
        {
            throw new NetlinkException("bind a netlink socket", Marshal.GetLastPInvokeError());
        }

        // The kernel answers requests at once; a wait without end would hang the agent on a kernel bug.
        var timeout = new TimeVal { Seconds = ReplyTimeoutSeconds };
        _ = setsockopt(_handle, SOL_SOCKET, SO_RCVTIMEO, &timeout, (uint)sizeof(TimeVal));
    }

    private bool TrySetOption(int level, int option, int value) => setsockopt(_handle, level, option, &value, sizeof(int)) == 0;

    private uint Send(Span<byte> request, string operation)
    {
        MemoryMarshal.Write(request[8..], ++_sequence);
        fixed (byte* start = request)
        {
            if (send(_handle, start, (nuint)request.Length, 0) < 0)
            {
                throw new NetlinkException(operation, Marshal.GetLastPInvokeError());
            }
        }

        return _sequence;
    }

    private ReadOnlySpan<byte> ReceiveReply(string operation)
    {
        var length = Receive(MSG_TRUNC, out var errno);
        return length < 0
            ? throw new NetlinkException(operation, errno)
            : length <= BufferLength
                ? _buffer.AsSpan(0, length)
                : throw new NetlinkException(operation, ENOBUFS, $"a reply of {length} octets does not fit");
    }

    private int Receive(int flags, out int errno)
    {
        while (true)
        {
            fixed (byte* start = _buffer)
            {
                var length = recv(_handle, start, BufferLength, flags);
                errno = length < 0 ? Marshal.GetLastPInvokeError() : 0;
                if (errno != EINTR)
                {
                    return (int)length;
                }
            }
        }
    }
}
