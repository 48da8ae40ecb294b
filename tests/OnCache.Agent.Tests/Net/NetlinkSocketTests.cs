using System.Runtime.InteropServices;

using OnCache.Agent.Net;

using static OnCache.Agent.Net.NetlinkNative;
using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Tests.Net;

/// <summary>The test plays the kernel at the other end of a socket pair; its answers wait there before the question is asked.</summary>
public sealed unsafe partial class NetlinkSocketTests : IDisposable
{
    private const int AF_UNIX = 1;
    private const int SOCK_SEQPACKET = 5;
    private const int First = 1;
    private const int Second = 2;

    private readonly NetlinkSocket _socket;
    private readonly NetlinkHandle _kernel;

    public NetlinkSocketTests()
    {
        var pair = stackalloc int[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        {
            throw new IOException($"socketpair: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        _socket = new NetlinkSocket(Own(pair[0]));
        _kernel = Own(pair[1]);
    }

    public void Dispose()
    {
        _socket.Dispose();
        _kernel.Dispose();
    }

    [Fact]
    public void A_list_comes_in_several_datagrams()
    {
        Answer(Address(First, "10.0.0.1"), Address(First, "10.0.0.2"));
        Answer(Address(First, "10.0.0.3"));
        Answer(Done(First));

        Dump().ShouldBe(["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    }

    [Theory]
    [InlineData(NLM_F_DUMP_INTR, 0)]
    [InlineData(0, NLM_F_DUMP_INTR)]
    public void A_list_that_changed_while_it_was_read_is_read_again(ushort onEntry, ushort onEnd)
    {
        Answer(Address(First, "10.0.0.1", onEntry));
        Answer(Address(First, "10.0.0.2"));
        Answer(Done(First, onEnd));
        Answer(Address(Second, "10.0.0.2"));
        Answer(Done(Second));

        Dump().ShouldBe(["10.0.0.2"]);
    }

    [Fact]
    public void A_list_that_never_stands_still_is_an_error()
    {
        const int Attempts = 16;
        for (var sequence = 1; sequence <= Attempts; sequence++)
        {
            Answer(Done(sequence, NLM_F_DUMP_INTR));
        }

        Should.Throw<NetlinkException>(Dump).Errno.ShouldBe(EAGAIN);
    }

    [Fact]
    public void Answers_to_another_question_are_passed_over()
    {
        Answer(Address(77, "10.0.0.1"), Done(77));
        Answer(Address(First, "10.0.0.2"), Done(First));

        Dump().ShouldBe(["10.0.0.2"]);
    }

    [Fact]
    public void A_refused_list_is_an_error_with_the_operation()
    {
        Answer(Error(First, EPERM));

        var error = Should.Throw<NetlinkException>(Dump);
        error.Errno.ShouldBe(EPERM);
        error.Operation.ShouldBe("list addresses");
        error.Message.ShouldBe("netlink: list addresses: Operation not permitted");
    }

    [Fact]
    public void The_kernels_own_words_are_passed_on()
    {
        Answer(Error(First, EINVAL, "No such thing"));

        Should.Throw<NetlinkException>(Execute).Message.ShouldBe("netlink: do it: Invalid argument (No such thing)");
    }

    [Fact]
    public void An_acknowledgement_ends_a_request()
    {
        Answer(Error(First, 0));

        Should.NotThrow(Execute);
    }

    private List<string> Dump() => [.. _socket
        .Dump(AddressMessage.DumpRequest(new byte[64]), "list addresses", AddressMessage.Parse)
        .Select(static address => address.Address.ToString())];

    private void Execute() => _socket.Execute(NeighbourMessage.UseRequest(new byte[64], 1, default), "do it");

    private void Answer(params ReadOnlySpan<byte[]> messages)
    {
        byte[] datagram = [.. messages.ToArray().SelectMany(static message => message)];
        fixed (byte* start = datagram)
        {
            send(_kernel, start, (nuint)datagram.Length, 0).ShouldBe(datagram.Length);
        }
    }

    private static byte[] Address(int sequence, string address, ushort flags = 0) => Numbered(sequence, MessageBytes.Build(
        RTM_NEWADDR,
        new AddressMessage.Header { Family = AF_INET, IfIndex = 2, PrefixLength = 24 },
        (ref writer) => writer.Attribute(2, MessageBytes.Bytes(Ipv4Address.Parse(address))),
        flags));

    private static byte[] Done(int sequence, ushort flags = 0) =>
        Numbered(sequence, MessageBytes.Build(NLMSG_DONE, 0, static (ref _) => { }, flags));

    private static byte[] Error(int sequence, int errno, string? text = null) => Numbered(sequence, MessageBytes.Build(
        NLMSG_ERROR,
        -errno,
        (ref writer) =>
        {
            // The refused message's header.
            writer.Write(default(Guid));
            if (text is not null)
            {
                writer.Attribute(NLMSGERR_ATTR_MSG, System.Text.Encoding.ASCII.GetBytes(text + "\0"));
            }
        },
        text is null ? (ushort)0 : NLM_F_ACK_TLVS));

    private static byte[] Numbered(int sequence, byte[] message)
    {
        MemoryMarshal.Write(message.AsSpan(8), sequence);
        return message;
    }

    private static NetlinkHandle Own(int descriptor)
    {
        var handle = new NetlinkHandle();
        Marshal.InitHandle(handle, descriptor);
        return handle;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socketpair(int domain, int type, int protocol, int* sockets);
}
