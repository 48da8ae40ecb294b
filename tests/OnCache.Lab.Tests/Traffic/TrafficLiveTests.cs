using System.Net;
using System.Net.Sockets;
using OnCache.Lab.Overlay;
using OnCache.Lab.Tests.Cluster;
using OnCache.Lab.Tests.Overlay;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Tests.Traffic;

/// <summary>That the generator measures something, not how fast it is.</summary>
public sealed class TrafficLiveTests(TwoNodes fixture) : IClassFixture<TwoNodes>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private LabPod Client => fixture.Lab.Nodes[0].Pods[0];

    private LabPod Server => fixture.Lab.Nodes[1].Pods[0];

    [Theory]
    [InlineData(TrafficKind.TcpRequestResponse)]
    [InlineData(TrafficKind.UdpRequestResponse)]
    [InlineData(TrafficKind.TcpStream)]
    [InlineData(TrafficKind.UdpStream)]
    [InlineData(TrafficKind.TcpConnectRequestResponse)]
    public async Task Every_kind_gives_a_rate_a_time_and_the_cost(TrafficKind kind)
    {
        await using var server = await TrafficServerProcess.StartAsync(Server, Server.Address, Cancellation);

        var result = TrafficClient.Run(Client.Namespace, Request(server, kind, 0.3));

        result.Transactions.ShouldBeGreaterThan(10);
        result.Seconds.ShouldBeGreaterThanOrEqualTo(0.3);
        result.Rate.ShouldBe(result.Transactions / result.Seconds, 0.001);
        result.Gbps.ShouldBeGreaterThan(0);
        (result.P50Microseconds is > 0).ShouldBe(!kind.IsStream());
        (result.P99Microseconds >= result.P50Microseconds).ShouldBe(!kind.IsStream());
        result.CpuNanoseconds.ShouldBeGreaterThan(0);
        result.CoreBusyNanoseconds!.Value.ShouldBeInRange(1, (long)(result.Seconds * 1e9) + 1);
        result.CpuMicrosecondsPerTransaction.ShouldBeGreaterThan(0);
    }

    [Theory]
    [InlineData(TrafficKind.TcpRequestResponse)]
    [InlineData(TrafficKind.UdpRequestResponse)]
    [InlineData(TrafficKind.TcpStream)]
    [InlineData(TrafficKind.UdpStream)]
    [InlineData(TrafficKind.TcpConnectRequestResponse)]
    public async Task Two_paths_take_turns_and_each_slice_counts_what_was_done_in_it(TrafficKind kind)
    {
        await using var there = await TrafficServerProcess.StartAsync(Server, Server.Address, Cancellation);
        await using var back = await TrafficServerProcess.StartAsync(Client, Client.Address, Cancellation);
        TrafficSide[] sides =
        [
            new(Client.Namespace, Request(there, kind, 1)),
            new(Server.Namespace, Request(back, kind, 1)),
        ];

        var edges = 0;

        var slices = InterleavedTraffic.Run(sides, slices: 6, seconds: 0.02, warmUpSeconds: 0.02, () => edges++);

        edges.ShouldBe(2, "before the first slice and after the last");
        slices.Count.ShouldBe(2);
        foreach (var side in slices)
        {
            side.Count.ShouldBe(6);
            side.ShouldAllBe(slice => slice.Transactions > 0 && slice.Elapsed >= TimeSpan.FromSeconds(0.02));
        }
    }

    [Theory]
    [InlineData(TrafficKind.TcpRequestResponse)]
    [InlineData(TrafficKind.UdpRequestResponse)]
    public async Task A_rate_is_not_exceeded(TrafficKind kind)
    {
        await using var server = await TrafficServerProcess.StartAsync(Server, Server.Address, Cancellation);

        var result = TrafficClient.Run(Client.Namespace, Request(server, kind, 0.5) with { Rate = 100 });

        result.Transactions.ShouldBeInRange(1, (long)(result.Seconds * 100) + 1);
    }

    [Fact]
    public async Task Lost_datagrams_are_counted_and_do_not_end_the_run()
    {
        await using var server = await TrafficServerProcess.StartAsync(Server, Server.Address, Cancellation);
        var before = await ReceivedPacketsAsync(Server);
        var running = Task.Run(() => TrafficClient.Run(Client.Namespace, Request(server, TrafficKind.UdpRequestResponse, 6)), Cancellation);
        await Eventually.HoldsAsync(async () => await ReceivedPacketsAsync(Server) > before + 1000);
        await Server.Node.DenyAsync(Client, Server, cutEstablished: true, Cancellation);
        await Task.Delay(500, Cancellation);
        await Server.Node.AllowAsync(Client, Server, Cancellation);
        var result = await running;

        result.Lost.ShouldBeInRange(1, 14);
        result.Transactions.ShouldBeGreaterThan(10);
    }

    [Fact]
    public async Task A_server_outlives_clients_that_talk_nonsense()
    {
        await using var server = await TrafficServerProcess.StartAsync(Server, Server.Address, Cancellation);
        foreach (var nonsense in (string[])["hello\n", """{"Protocol":99,"Kind":"tcp-rr","Size":1}""" + "\n", new string('x', 5000)])
        {
            using var socket = await Wire.ConnectAsync(Client, new IPEndPoint(server.Address, server.Port), Wire.Patience);
            await socket!.SendAsync(System.Text.Encoding.UTF8.GetBytes(nonsense), Cancellation);
            socket.Shutdown(SocketShutdown.Send);
        }

        TrafficClient.Run(Client.Namespace, Request(server, TrafficKind.TcpRequestResponse, 0.1)).Transactions.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void No_server_is_one_clear_line()
    {
        var request = new TrafficRequest { Kind = TrafficKind.TcpRequestResponse, To = Server.Address, Port = 7, Seconds = 1 };

        Should.Throw<LabException>(() => TrafficClient.Run(Client.Namespace, request))
            .Message.ShouldBe($"traffic server {Server.Address}:7: Connection refused");
    }

    // The greeting is a few packets; more are the run itself.
    private static async Task<long> ReceivedPacketsAsync(LabPod pod)
    {
        var devices = (await pod.RunCommandAsync("cat", ["/proc/net/dev"], Cancellation)).EnsureSuccess().Output;
        var counters = devices.Split('\n').Single(line => line.TrimStart().StartsWith("eth0:", StringComparison.Ordinal));
        return long.Parse(counters.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[2], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static TrafficRequest Request(TrafficServerProcess server, TrafficKind kind, double seconds) =>
        new() { Kind = kind, To = server.Address, Port = server.Port, Seconds = seconds, Core = 0 };
}
