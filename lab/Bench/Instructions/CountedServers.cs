using System.Net;
using OnCache.Lab.Overlay;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Bench.Instructions;

/// <summary>Traffic servers on threads of this process: under emulation a process of .NET costs seconds to start.</summary>
internal sealed class CountedServers : IDisposable
{
    private readonly Dictionary<LabMember, TrafficServer> servers = [];

    /// <summary>The control port of the member's server, which is started when there is none.</summary>
    public int PortAt(LabMember member, IPAddress address)
    {
        if (!servers.TryGetValue(member, out var server))
        {
            servers.Add(member, server = member.Run(() => TrafficServer.Listen(address, 0)));
            new Thread(() => member.Run(server.Serve)) { IsBackground = true, Name = $"traffic server {member.Name}" }.Start();
        }

        return server.Port;
    }

    public void Dispose()
    {
        foreach (var server in servers.Values)
        {
            server.Dispose();
        }
    }
}
