using System.Net;
using System.Net.Sockets;
using OnCache.Lab.Api;

namespace OnCache.Lab.Chaos;

/// <summary>
/// What runs in a pod: it answers over TCP and UDP, and talks over both to every address that a pod may have, whoever has it and whether
/// or not it answers: like a client that was not told.
/// </summary>
internal sealed class PodTraffic : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(3);

    /// <summary>A connection that is hopeless anyway is given up after this silence.</summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromSeconds(3);

    /// <summary>What a connection may need to recover from a broken way: its retransmissions come ever more rarely.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);
    private readonly ApiPod pod;
    private readonly Oracle oracle;
    private readonly ChaosLog log;
    private readonly TrafficTally tally;
    private readonly CancellationTokenSource stop = new();
    private readonly Socket udp;
    private readonly Socket listener;
    private readonly Task[] running;

    private PodTraffic(ApiPod pod, IEnumerable<IPAddress> peers, int seed, Oracle oracle, ChaosLog log, TrafficTally tally)
    {
        this.pod = pod;
        this.oracle = oracle;
        this.log = log;
        this.tally = tally;
        (udp, listener) = pod.Sandbox.Run(() => (Bind(ProtocolType.Udp, ClusterModel.UdpPort), Bind(ProtocolType.Tcp, ClusterModel.TcpPort)));
        listener.Listen(128);
        var random = new Random(seed);
        running =
        [
            Task.Run(AnswerUdpAsync),
            Task.Run(AcceptAsync),
            .. peers.Where(peer => !peer.Equals(pod.Sandbox.Address)).SelectMany(peer =>
            {
                var (one, other) = (new Random(random.Next()), new Random(random.Next()));
                return (Task[])[Task.Run(() => TalkUdpAsync(peer, one)), Task.Run(() => TalkTcpAsync(peer, other))];
            }),
        ];
    }

    public static PodTraffic Start(ApiPod pod, IEnumerable<IPAddress> peers, int seed, Oracle oracle, ChaosLog log, TrafficTally tally) =>
        new(pod, peers, seed, oracle, log, tally);

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        udp.Dispose();
        listener.Dispose();
        await Task.WhenAll(running);
        stop.Dispose();
    }

    private static bool IsEnd(Exception exception) => exception is OperationCanceledException or SocketException or ObjectDisposedException or LabException;

    private Socket Bind(ProtocolType protocol, int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, protocol == ProtocolType.Udp ? SocketType.Dgram : SocketType.Stream, protocol);
        socket.Bind(new IPEndPoint(pod.Sandbox.Address, port));
        return socket;
    }

    private void Judge(Message message, ProtocolType protocol)
    {
        tally.Packet();
        var wrong = oracle.Judge(new Delivery(
            message.Pod, pod.Uid, message.Addressed, pod.Sandbox.Address, protocol, message.Opened, message.Sent, log.Now));
        if (wrong is not null)
        {
            log.Violation(wrong);
        }
    }

    private async Task AnswerUdpAsync()
    {
        var buffer = new byte[Message.Size];
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var got = await udp.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), stop.Token);
                if (got.ReceivedBytes == Message.Size)
                {
                    var message = Message.Read(buffer);
                    Judge(message, ProtocolType.Udp);
                    (message with { Pod = pod.Uid }).Write(buffer);
                    await udp.SendToAsync(buffer, SocketFlags.None, got.RemoteEndPoint, stop.Token);
                }
            }
            catch (Exception exception) when (IsEnd(exception))
            {
            }
        }
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var connection = await listener.AcceptAsync(stop.Token);
                connections.RemoveAll(static task => task.IsCompleted);
                connections.Add(AnswerTcpAsync(connection));
            }
            catch (Exception exception) when (IsEnd(exception))
            {
            }
        }

        await Task.WhenAll(connections);
    }

    private async Task AnswerTcpAsync(Socket accepted)
    {
        using var connection = accepted;
        connection.NoDelay = true;
        var buffer = new byte[Message.Size];
        try
        {
            while (await ReceiveAsync(connection, buffer, stop.Token))
            {
                var message = Message.Read(buffer);
                Judge(message, ProtocolType.Tcp);
                (message with { Pod = pod.Uid }).Write(buffer);
                await connection.SendAsync(buffer, stop.Token);
            }
        }
        catch (Exception exception) when (IsEnd(exception))
        {
            // How a connection ends is judged at its other end.
        }
    }

    private async Task TalkUdpAsync(IPAddress peer, Random random)
    {
        var buffer = new byte[Message.Size];
        var answer = new byte[Message.Size];
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using var socket = pod.Sandbox.Run(() => Bind(ProtocolType.Udp, 0));
                socket.Connect(peer, ClusterModel.UdpPort);
                var opened = log.Now;
                var until = opened + Life(random);
                while (log.Now < until)
                {
                    Send(socket, new Message(pod.Uid, peer, opened, log.Now), buffer);
                    while (socket.Available > 0 && Take(socket, answer))
                    {
                        tally.Echo();
                    }

                    await Task.Delay(Interval, stop.Token);
                }
            }
            catch (Exception exception) when (IsEnd(exception))
            {
                await PauseAsync();
            }
        }
    }

    private async Task TalkTcpAsync(IPAddress peer, Random random)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using var socket = pod.Sandbox.Run(() => Bind(ProtocolType.Tcp, 0));
                socket.NoDelay = true;
                var opened = log.Now;
                if (await ConnectAsync(socket, peer))
                {
                    tally.Connection();
                    await ConverseAsync(socket, peer, opened, log.Now + Life(random));
                }
            }
            catch (Exception exception) when (IsEnd(exception))
            {
            }

            await PauseAsync();
        }
    }

    private async Task<bool> ConnectAsync(Socket socket, IPAddress peer)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        limit.CancelAfter(ConnectLimit);
        try
        {
            await socket.ConnectAsync(peer, ClusterModel.TcpPort, limit.Token);
            return true;
        }
        catch (Exception exception) when (IsEnd(exception))
        {
            return false;
        }
    }

    /// <summary>Message and answer by turns until the end, or until the connection is lost; then it is asked whose fault that is.</summary>
    private async Task ConverseAsync(Socket socket, IPAddress peer, TimeSpan opened, TimeSpan until)
    {
        var buffer = new byte[Message.Size];
        string? server = null;
        while (log.Now < until)
        {
            var sent = log.Now;
            new Message(pod.Uid, peer, opened, sent).Write(buffer);
            string? loss = null;
            try
            {
                await socket.SendAsync(buffer, stop.Token);
                var answer = ReceiveAsync(socket, buffer, stop.Token);
                while (await Task.WhenAny(answer, Task.Delay(Abandoned, stop.Token)) != answer)
                {
                    stop.Token.ThrowIfCancellationRequested();
                    if (server is null || oracle.IsExcused(pod.Uid, server, opened, Patience))
                    {
                        tally.Excuse();
                        socket.Close(0);
                        _ = await answer.ContinueWith(static task => task.Exception, TaskScheduler.Default);
                        return;
                    }

                    var shaken = oracle.Shaken;
                    if (log.Now - (shaken > sent ? shaken : sent) > Patience)
                    {
                        loss = $"no answer for {Patience.TotalSeconds} s";
                        socket.Close(0);
                        _ = await answer.ContinueWith(static task => task.Exception, TaskScheduler.Default);
                        break;
                    }
                }

                if (loss is null && !await answer)
                {
                    loss = "closed by its peer";
                }
            }
            catch (SocketException exception)
            {
                loss = exception.SocketErrorCode.ToString();
            }

            if (loss is not null)
            {
                if (server is null || oracle.IsExcused(pod.Uid, server, opened, Patience))
                {
                    tally.Excuse();
                }
                else
                {
                    log.Violation(FormattableString.Invariant(
                        $"lost: the TCP connection of {pod.Uid} with {server} at {peer}, opened {opened.TotalSeconds:0.000}: {loss}; nothing happened to either"));
                }

                return;
            }

            server = Message.Read(buffer).Pod;
            tally.Echo();
            await Task.Delay(Interval, stop.Token);
        }
    }

    private static async Task<bool> ReceiveAsync(Socket socket, byte[] buffer, CancellationToken cancellationToken)
    {
        for (var got = 0; got < buffer.Length;)
        {
            var length = await socket.ReceiveAsync(buffer.AsMemory(got), cancellationToken);
            if (length == 0)
            {
                return false;
            }

            got += length;
        }

        return true;
    }

    // A device that is down, or a pod that is not there, is told to the sender in time; the next message may pass again.
    private static void Send(Socket socket, Message message, byte[] buffer)
    {
        message.Write(buffer);
        try
        {
            _ = socket.Send(buffer);
        }
        catch (SocketException)
        {
        }
    }

    private static bool Take(Socket socket, byte[] buffer)
    {
        try
        {
            return socket.Receive(buffer) == Message.Size;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static TimeSpan Life(Random random) => TimeSpan.FromSeconds(2 + (random.NextDouble() * random.NextDouble() * 60));

    private async Task PauseAsync()
    {
        try
        {
            await Task.Delay(Interval * 3, stop.Token);
        }
        catch (OperationCanceledException)
        {
        }
    }
}
