using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.EndToEnd;

/// <summary>
/// Loss, repetition and reordering on the wire, while connections begin and end and verdicts come and go: TCP repeats what is lost, at any step of
/// a connection, and must find what it would find without us.
/// </summary>
public sealed class NoisyWireTests(ITestOutputHelper output)
{
    private const int Port = 7010;
    private const int Connections = 240;
    private const int AtOnce = 8;
    private const int MostBytes = 6000;

    // Seconds: nf_conntrack_tcp_timeout_unacknowledged.
    private const int Unacknowledged = 300;

    // Loss upon loss is repeated after longer and longer.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    // Who ends first.
    private enum End : byte
    {
        Client,
        Server,
        Both,
    }

    [Fact]
    public async Task Connections_carry_what_was_sent_and_end_on_both_sides_and_for_conntrack()
    {
        const int Seed = 20261130;
        LiveLab.Require();
        // Three nodes have a bridge for a wire.
        await using var lab = await AcceleratedLab.PlainAsync(new LabOptions { Nodes = 3 });
        await lab.StartAsync(new AgentConfig { NetworkPolicies = "[]" });
        await lab.AcceleratedAsync();
        var wire = new WireSpace(new LabNames(lab.Overlay.Name).WireNamespace);
        foreach (var node in lab.Overlay.Nodes.Take(2))
        {
            // A wire carries frames, not what stands for many of them.
            _ = await node.DoAsync($"ethtool -K {node.UnderlayDevice} tx off tso off gso off gro off");
            _ = await wire.DoAsync($"ip link set {node.Name} nomaster");
            _ = await wire.DoAsync($"ethtool -K {node.Name} gro off");
        }

        using var noise = new NoisyWire(wire, lab.Overlay.Nodes[0].Name, lab.Overlay.Nodes[1].Name, Seed);
        using var listener = Sockets.Listener(lab.Server, lab.Server.Address, Port);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var serving = ServeAsync(listener, end.Token);
        var flushing = FlushAsync(lab, end.Token);
        var hits = await lab.AgentOf(lab.Client).HitsAsync(lab.Client);

        try
        {
            await Parallel.ForEachAsync(
                Enumerable.Range(0, Connections),
                new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = TestContext.Current.CancellationToken },
                async (number, _) => await TalkAsync(lab.Client, Sockets.EndPoint(listener), new Random(Seed + number), (End)(number % 3)));

            foreach (var pod in (LabPod[])[lab.Client, lab.Server])
            {
                _ = await Eventually.ReadsAsync(
                    () => pod.DoAsync("ss -Htan state established state syn-sent state syn-recv state fin-wait-1 state fin-wait-2 state close-wait state last-ack state closing"),
                    static open => open.Trim().Length == 0,
                    $"all connections of {pod.Name} over");
            }
        }
        finally
        {
            // Neither may go on with a lab that is taken down.
            await end.CancelAsync();
            await Task.WhenAll(flushing, serving).ContinueWith(static _ => { }, TaskScheduler.Default);
        }

        await flushing;
        (await serving).ShouldBe(Connections);
        foreach (var node in lab.Overlay.Nodes.Take(2))
        {
            // What is sent again when all is over makes itself known there, for no longer than what nobody acknowledges.
            _ = await Eventually.ReadsAsync(
                () => node.DoAsync("conntrack -L -p tcp --state ESTABLISHED"),
                open => open.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    // Picked up in its midst, either side's packet may have come first.
                    .Where(line => line.Contains($"src={lab.Client.Address} dst={lab.Server.Address} ", StringComparison.Ordinal))
                    .All(static line => SecondsLeft(line) <= Unacknowledged),
                $"all connections over for the conntrack of {node.Name}");
        }

        var grown = await lab.AgentOf(lab.Client).HitsAsync(lab.Client) - hits;
        output.WriteLine($"{noise.Lost} frames lost, {noise.Doubled} doubled, {noise.Late} late; {grown.Both} packets of {lab.Client.Name} on the fast path");
        new[] { noise.Lost, noise.Doubled, noise.Late }.Min().ShouldBeGreaterThan(Connections / 4, "the wire was noisy");
        grown.Both.ShouldBeGreaterThan(Connections * 4, "much of it took the fast path");
    }

    /// <param name="entry">A line of conntrack(8): protocol, its number, seconds.</param>
    private static int SecondsLeft(string entry) => int.Parse(entry.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2], CultureInfo.InvariantCulture);

    /// <summary>Verdicts go in the midst of connections, so that both paths carry parts of them.</summary>
    private static async Task FlushAsync(AcceleratedLab lab, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
                await lab.FlushAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // All is said.
        }
    }

    private static async Task TalkAsync(LabPod client, System.Net.EndPoint server, Random random, End end)
    {
        using var socket = await Sockets.ConnectAsync(client, server, limit: s_patience);
        using var patience = Patience.Of(s_patience);
        var said = RandomNumberGenerator.GetBytes(random.Next(2, MostBytes));
        said[0] = (byte)end;
        var (half, length) = (said.Length / 2, BitConverter.GetBytes(said.Length));
        _ = await socket.SendAsync(length, SocketFlags.None, patience.Token);
        _ = await socket.SendAsync(said.AsMemory(0, half), SocketFlags.None, patience.Token);
        var heard = new byte[said.Length];
        await FillAsync(socket, heard.AsMemory(0, half), patience.Token);
        _ = await socket.SendAsync(said.AsMemory(half), SocketFlags.None, patience.Token);
        if (end == End.Both)
        {
            socket.Shutdown(SocketShutdown.Send);
        }

        await FillAsync(socket, heard.AsMemory(half), patience.Token);
        heard.ShouldBe(said);
        if (end == End.Client)
        {
            socket.Shutdown(SocketShutdown.Send);
        }

        (await socket.ReceiveAsync(new byte[1], SocketFlags.None, patience.Token)).ShouldBe(0, "the server's end");
    }

    /// <returns>How many connections were served to their end.</returns>
    private static async Task<int> ServeAsync(Socket listener, CancellationToken cancellationToken)
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                serving.Add(AnswerAsync(await listener.AcceptAsync(cancellationToken)));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(serving);
            return serving.Count;
        }
    }

    private static async Task AnswerAsync(Socket socket)
    {
        using (socket)
        {
            using var patience = Patience.Of(s_patience);
            socket.NoDelay = true;
            var length = new byte[sizeof(int)];
            await FillAsync(socket, length, patience.Token);
            var message = new byte[BitConverter.ToInt32(length)];
            for (var answered = 0; answered < message.Length;)
            {
                var read = await socket.ReceiveAsync(message.AsMemory(answered), SocketFlags.None, patience.Token);
                read.ShouldBePositive("the client ended before it was answered");
                _ = await socket.SendAsync(message.AsMemory(answered, read), SocketFlags.None, patience.Token);
                answered += read;
            }

            if ((End)message[0] == End.Client)
            {
                (await socket.ReceiveAsync(new byte[1], SocketFlags.None, patience.Token)).ShouldBe(0, "the client's end");
                return;
            }

            socket.Shutdown(SocketShutdown.Send);
            (await socket.ReceiveAsync(new byte[1], SocketFlags.None, patience.Token)).ShouldBe(0, "the client's end");
        }
    }

    private static async Task FillAsync(Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (buffer.Length > 0)
        {
            var read = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
            read.ShouldBePositive("the other side ended early");
            buffer = buffer[read..];
        }
    }

    /// <summary>Where the nodes' wires meet.</summary>
    private sealed class WireSpace(string name) : INetworkMember
    {
        public T Run<T>(Func<T> work) => NetworkNamespace.Run(name, work);

        public async Task<string> DoAsync(string line)
        {
            var words = line.Split(' ');
            return (await NetworkNamespace.RunCommandAsync(name, words[0], words[1..], cancellationToken: TestContext.Current.CancellationToken)).EnsureSuccess().Output;
        }
    }
}
