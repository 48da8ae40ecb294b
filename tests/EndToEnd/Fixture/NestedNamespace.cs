using System.Net;
using System.Net.Sockets;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd.Fixture;

/// <summary>A network namespace behind a pod, which forwards one TCP port of its own address into it.</summary>
internal sealed class NestedNamespace : IAsyncDisposable
{
    /// <summary>The TCP port that is passed on.</summary>
    public const int Port = 9000;

    private const string Address = "10.99.0.2";
    private readonly LabPod pod;
    private readonly string name = $"oncache-inner-{Guid.NewGuid():N}"[..24];

    private NestedNamespace(LabPod pod) => this.pod = pod;

    public static async Task<NestedNamespace> BehindAsync(LabPod pod)
    {
        var nested = new NestedNamespace(pod);
        try
        {
            await nested.BuildAsync();
            return nested;
        }
        catch
        {
            await nested.DisposeAsync();
            throw;
        }
    }

    public Socket Listener() => NetworkNamespace.Run(name, static () =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(Address), Port));
        socket.Listen();
        return socket;
    });

    public async ValueTask DisposeAsync()
    {
        await pod.UndoAsync("iptables -w -t nat -F");
        await pod.UndoAsync($"ip netns delete {name}");
    }

    private async Task BuildAsync()
    {
        await pod.DoAsync($"ip netns add {name}");
        await pod.DoAsync($"ip link add inner type veth peer name eth0 netns {name}");
        await pod.DoAsync($"ip link set inner up");
        await pod.DoAsync($"ip address add 10.99.0.1/24 dev inner");
        pod.Run(static () => File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1"));
        await pod.DoAsync($"iptables -w -t nat -A PREROUTING -p tcp --dport {Port} -j DNAT --to-destination {Address}");
        await pod.DoAsync($"ip -netns {name} link set eth0 up");
        await pod.DoAsync($"ip -netns {name} address add {Address}/24 dev eth0");
        await pod.DoAsync($"ip -netns {name} route add default via 10.99.0.1");
    }
}
