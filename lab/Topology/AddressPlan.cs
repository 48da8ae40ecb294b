using System.Net;

namespace OnCache.Lab.Topology;

/// <summary>Who has which address. Nodes and pods count from 1; every lab uses the same plan, its namespaces keep them apart.</summary>
public static class AddressPlan
{
    public const int NodePrefixLength = 24;
    public const int PodPrefixLength = 24;
    public const int EncapsulationBytes = 50;
    public const int Vni = 1;
    public const int VxlanPort = 8472;
    public const string NodeNetwork = "192.168.77.0/24";
    public const string ClusterCidr = "10.244.0.0/16";
    public const string ServiceCidr = "10.96.0.0/16";

    public static IPAddress Node(int node) => Four(192, 168, 77, node);

    /// <summary>The next hop to outside the lab; nobody is there.</summary>
    public static IPAddress WireGateway { get; } = Four(192, 168, 77, 254);

    /// <summary>flannel gives its VXLAN device the network address of the node's pod CIDR.</summary>
    public static IPAddress Tunnel(int node) => Four(10, 244, node, 0);

    public static IPAddress Gateway(int node) => Four(10, 244, node, 1);

    public static IPAddress Pod(int node, int pod) => Four(10, 244, node, pod + 1);

    public static IPNetwork PodCidr(int node) => new(Tunnel(node), PodPrefixLength);

    public static IPAddress Service(int service) => Four(10, 96, (service + 9) / 256, (service + 9) % 256);

    private static IPAddress Four(int a, int b, int c, int d) => new([(byte)a, (byte)b, (byte)c, (byte)d]);
}
