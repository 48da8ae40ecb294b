using System.Globalization;
using OnCache.Agent.Topology;

namespace OnCache.Agent.Daemon;

/// <summary>Settings of this network namespace that stand in where a tunnel device has none of its own.</summary>
internal static class KernelDefaults
{
    public static PortRange LocalPorts()
    {
        var range = File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return new PortRange(ushort.Parse(range[0], CultureInfo.InvariantCulture), ushort.Parse(range[1], CultureInfo.InvariantCulture));
    }

    public static byte DefaultTtl() => byte.Parse(File.ReadAllText("/proc/sys/net/ipv4/ip_default_ttl"), CultureInfo.InvariantCulture);
}
