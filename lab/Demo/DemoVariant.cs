using System.Net;
using OnCache.Lab.Overlay;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Demo;

/// <summary>One way from client to server that the demonstration compares.</summary>
internal sealed record DemoVariant(string Name, LabMember Client, TrafficServerProcess Server) : IAsyncDisposable
{
    public const string Host = "host";
    public const string Overlay = "overlay";
    public const string OnCache = "oncache";

    /// <summary>Node to node over the wire, under the nodes' own rules.</summary>
    public static Task<DemoVariant> HostToHostAsync(OverlayLab lab, CancellationToken cancellationToken) =>
        StartAsync(Host, lab.Nodes[0], lab.Nodes[1], lab.Nodes[1].Address, cancellationToken);

    public static Task<DemoVariant> PodToPodAsync(string name, OverlayLab lab, CancellationToken cancellationToken)
    {
        var server = lab.Nodes[1].Pods[0];
        return StartAsync(name, lab.Nodes[0].Pods[0], server, server.Address, cancellationToken);
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    private static async Task<DemoVariant> StartAsync(
        string name, LabMember client, LabMember server, IPAddress address, CancellationToken cancellationToken) =>
        new(name, client, await TrafficServerProcess.StartAsync(server, address, cancellationToken));
}
