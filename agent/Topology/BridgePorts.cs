using OnCache.Agent.Net;

namespace OnCache.Agent.Topology;

/// <summary>Which ports of which bridge have learned which station, for all pods of a node at once.</summary>
internal sealed class BridgePorts
{
    private readonly Dictionary<(int Bridge, MacAddress Station), List<int>> _ports = [];

    /// <param name="snapshot">The network.</param>
    public BridgePorts(NetworkSnapshot snapshot)
    {
        // Port by port: the VXLAN device's table, by far the largest, is not looked at.
        foreach (var port in snapshot.Links.Values)
        {
            if (port.MasterIfIndex == 0)
            {
                continue;
            }

            foreach (var entry in snapshot.FdbOf(port.IfIndex))
            {
                if (entry is { Self: false, Permanent: false })
                {
                    Add((port.MasterIfIndex, entry.Mac), port.IfIndex);
                }
            }
        }
    }

    /// <summary>The ports behind which the bridge has the station, by number; more than one where VLANs differ.</summary>
    public IReadOnlyList<int> Of(int bridge, MacAddress station) => _ports.GetValueOrDefault((bridge, station), []);

    private void Add((int Bridge, MacAddress Station) key, int port)
    {
        if (!_ports.TryGetValue(key, out var ports))
        {
            _ports[key] = ports = [];
        }

        var place = ports.BinarySearch(port);
        if (place < 0)
        {
            ports.Insert(~place, port);
        }
    }
}
