using System.Net;
using System.Net.Sockets;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Traffic;

/// <summary>Flows of one datagram and its answer each: what a resolver or a scanner leaves behind.</summary>
internal static class UdpFlood
{
    private const int Servers = 400;
    private const int Batch = 50;

    /// <summary>Opens as many flows as asked for, a multiple of 400; each has been answered when it returns.</summary>
    public static async Task OpenAsync(IPod client, IPod server, int flows)
    {
        var echoes = Enumerable.Range(0, Servers).Select(_ => UdpEcho.Start(server, server.Address)).ToList();
        try
        {
            var ports = echoes.ConvertAll(static echo => echo.EndPoint);
            await Task.Run(
                () =>
                {
                    for (var i = 0; i < flows / Servers; i++)
                    {
                        TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
                        using var asking = Sockets.Udp(client);
                        asking.ReceiveTimeout = (int)Patience.Long.TotalMilliseconds;
                        for (var first = 0; first < Servers; first += Batch)
                        {
                            Exchange(asking, ports.GetRange(first, Batch));
                        }
                    }
                },
                TestContext.Current.CancellationToken);
        }
        finally
        {
            foreach (var echo in echoes)
            {
                await echo.DisposeAsync();
            }
        }
    }

    /// <summary>Each of them one question; a lost answer is an error.</summary>
    private static void Exchange(Socket asking, List<IPEndPoint> servers)
    {
        var datagram = new byte[1];
        servers.ForEach(server => asking.SendTo(datagram, server));
        servers.ForEach(_ => asking.Receive(datagram));
    }
}
