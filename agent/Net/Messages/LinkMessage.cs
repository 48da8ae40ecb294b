using System.Buffers.Binary;
using System.Runtime.InteropServices;

using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>RTM_*LINK: rtnetlink(7), linux/if_link.h.</summary>
internal static class LinkMessage
{
    private const ushort IFLA_ADDRESS = 1;
    private const ushort IFLA_IFNAME = 3;
    private const ushort IFLA_MTU = 4;
    private const ushort IFLA_LINK = 5;
    private const ushort IFLA_QDISC = 6;
    private const ushort IFLA_MASTER = 10;
    private const ushort IFLA_OPERSTATE = 16;
    private const ushort IFLA_LINKINFO = 18;
    private const ushort IFLA_EXT_MASK = 29;
    private const ushort IFLA_LINK_NETNSID = 37;
    private const ushort IFLA_XDP = 43;
    private const ushort IFLA_XDP_ATTACHED = 2;
    private const ushort IFLA_INFO_KIND = 1;
    private const ushort IFLA_INFO_DATA = 2;
    private const ushort IFLA_INFO_SLAVE_KIND = 4;
    private const ushort IFLA_INFO_SLAVE_DATA = 5;
    private const ushort IFLA_BR_VLAN_FILTERING = 7;
    private const ushort IFLA_BRPORT_STATE = 1;
    private const ushort IFLA_BRPORT_LOCKED = 39;
    private const uint RTEXT_FILTER_SKIP_STATS = 1 << 3;

    /// <summary><c>struct ifinfomsg</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Header
    {
        public byte Family;
        public byte Pad;
        public ushort HardwareType;
        public int IfIndex;
        public uint Flags;
        public uint Change;
    }

    /// <summary>Asks for all devices. Their statistics are large and not wanted.</summary>
    public static Span<byte> DumpRequest(Span<byte> buffer)
    {
        var writer = new NetlinkMessageWriter(buffer, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP);
        writer.Write(default(Header));
        writer.Attribute(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        return writer.Finish();
    }

    /// <summary>
    /// The device of a message; null for a bridge's report on one of its ports, which carries part of the attributes and whose deletion
    /// only means that the port left the bridge.
    /// </summary>
    public static Link? Parse(in NetlinkMessage message)
    {
        var header = message.Read<Header>();
        if (header.Family != AF_UNSPEC)
        {
            return null;
        }

        var link = new Attributes();
        foreach (var attribute in message.Attributes<Header>())
        {
            link.Read(attribute);
        }

        return new Link
        {
            IfIndex = header.IfIndex,
            Name = link.Name,
            Kind = link.Kind,
            Mac = link.Mac,
            HardwareType = header.HardwareType,
            Mtu = link.Mtu,
            Flags = (LinkFlags)header.Flags & KnownFlags,
            OperationalState = link.OperationalState,
            MasterIfIndex = link.Master,
            PeerIfIndex = link.Peer,
            PeerNamespaceId = link.PeerNamespaceId,
            QueueingDiscipline = link.Qdisc,
            Vxlan = link.Vxlan,
            HasXdp = link.HasXdp,
            VlanFiltering = link.VlanFiltering,
            PortState = link.PortState,
            IsLockedPort = link.IsLockedPort,
        };
    }

    /// <summary>Whether it is a bridge's report on one of its ports.</summary>
    public static bool IsOfBridgePort(in NetlinkMessage message) => message.Read<Header>().Family == AF_BRIDGE;

    private const LinkFlags KnownFlags = LinkFlags.Up | LinkFlags.Broadcast | LinkFlags.Loopback | LinkFlags.PointToPoint
        | LinkFlags.Running | LinkFlags.NoArp | LinkFlags.LowerUp;

    private struct Attributes()
    {
        public string Name = "";
        public string Kind = "";
        public string Qdisc = "";
        public MacAddress? Mac;
        public int Mtu;
        public OperationalState OperationalState;
        public int Master;
        public int Peer;
        public int? PeerNamespaceId;
        public VxlanAttributes? Vxlan;
        public bool HasXdp;
        public bool VlanFiltering;
        public BridgePortState? PortState;
        public bool IsLockedPort;
        private string _masterKind = "";

        public void Read(NetlinkAttribute attribute)
        {
            switch (attribute.Type)
            {
                case IFLA_ADDRESS:
                    Mac = attribute.Mac;
                    break;
                case IFLA_IFNAME:
                    Name = attribute.Text;
                    break;
                case IFLA_MTU:
                    Mtu = attribute.Read<int>();
                    break;
                case IFLA_LINK:
                    Peer = attribute.Read<int>();
                    break;
                case IFLA_QDISC:
                    Qdisc = attribute.Text;
                    break;
                case IFLA_MASTER:
                    Master = attribute.Read<int>();
                    break;
                case IFLA_OPERSTATE:
                    OperationalState = (OperationalState)attribute.Read<byte>();
                    break;
                case IFLA_LINK_NETNSID:
                    PeerNamespaceId = attribute.Read<int>();
                    break;
                case IFLA_LINKINFO:
                    ReadInfo(attribute.Nested);
                    break;
                case IFLA_XDP:
                    foreach (var part in attribute.Nested)
                    {
                        HasXdp |= part.Type == IFLA_XDP_ATTACHED && part.Read<byte>() != 0;
                    }

                    break;
            }
        }

        private void ReadInfo(NetlinkAttributes info)
        {
            foreach (var attribute in info)
            {
                if (attribute.Type == IFLA_INFO_KIND)
                {
                    Kind = attribute.Text;
                }
                else if (attribute.Type == IFLA_INFO_DATA && Kind == "vxlan")
                {
                    Vxlan = VxlanMessage.Parse(attribute.Nested);
                }
                else if (attribute.Type == IFLA_INFO_DATA && Kind == "bridge")
                {
                    foreach (var part in attribute.Nested)
                    {
                        VlanFiltering |= part.Type == IFLA_BR_VLAN_FILTERING && part.Read<byte>() != 0;
                    }
                }
                else if (attribute.Type == IFLA_INFO_SLAVE_KIND)
                {
                    _masterKind = attribute.Text;
                }
                else if (attribute.Type == IFLA_INFO_SLAVE_DATA && _masterKind == "bridge")
                {
                    foreach (var part in attribute.Nested)
                    {
                        PortState = part.Type == IFLA_BRPORT_STATE ? (BridgePortState)part.Read<byte>() : PortState;
                        IsLockedPort |= part.Type == IFLA_BRPORT_LOCKED && part.Read<byte>() != 0;
                    }
                }
            }
        }
    }
}

/// <summary>The IFLA_INFO_DATA of a VXLAN device.</summary>
internal static class VxlanMessage
{
    private const ushort IFLA_VXLAN_ID = 1;
    private const ushort IFLA_VXLAN_LINK = 3;
    private const ushort IFLA_VXLAN_LOCAL = 4;
    private const ushort IFLA_VXLAN_TTL = 5;
    private const ushort IFLA_VXLAN_TOS = 6;
    private const ushort IFLA_VXLAN_LEARNING = 7;
    private const ushort IFLA_VXLAN_PORT_RANGE = 10;
    private const ushort IFLA_VXLAN_PORT = 15;
    private const ushort IFLA_VXLAN_GROUP6 = 16;
    private const ushort IFLA_VXLAN_LOCAL6 = 17;
    private const ushort IFLA_VXLAN_UDP_CSUM = 18;
    private const ushort IFLA_VXLAN_REMCSUM_TX = 21;
    private const ushort IFLA_VXLAN_REMCSUM_RX = 22;
    private const ushort IFLA_VXLAN_GBP = 23;
    private const ushort IFLA_VXLAN_COLLECT_METADATA = 25;
    private const ushort IFLA_VXLAN_GPE = 27;
    private const ushort IFLA_VXLAN_TTL_INHERIT = 28;
    private const ushort IFLA_VXLAN_DF = 29;

    public static VxlanAttributes Parse(NetlinkAttributes attributes)
    {
        var vxlan = new VxlanAttributes();
        foreach (var attribute in attributes)
        {
            vxlan = attribute.Type switch
            {
                IFLA_VXLAN_ID => vxlan with { Id = attribute.Read<uint>() },
                IFLA_VXLAN_LINK => vxlan with { LinkIfIndex = attribute.Read<int>() },
                IFLA_VXLAN_LOCAL => vxlan with { Local = attribute.Ipv4 is { IsAny: false } local ? local : null },
                IFLA_VXLAN_TTL => vxlan with { Ttl = attribute.Read<byte>() },
                IFLA_VXLAN_TOS => vxlan with { Tos = attribute.Read<byte>() },
                IFLA_VXLAN_LEARNING => vxlan with { Learning = attribute.Read<byte>() != 0 },
                IFLA_VXLAN_PORT_RANGE when attribute.Value.Length >= 4 => vxlan with
                {
                    SourcePortLow = BinaryPrimitives.ReadUInt16BigEndian(attribute.Value),
                    SourcePortHigh = BinaryPrimitives.ReadUInt16BigEndian(attribute.Value[2..]),
                },
                IFLA_VXLAN_PORT when attribute.Value.Length >= 2 =>
                    vxlan with { Port = BinaryPrimitives.ReadUInt16BigEndian(attribute.Value) },
                IFLA_VXLAN_GROUP6 or IFLA_VXLAN_LOCAL6 => vxlan with { UsesIpv6 = true },
                IFLA_VXLAN_UDP_CSUM => vxlan with { UdpChecksum = attribute.Read<byte>() != 0 },
                IFLA_VXLAN_REMCSUM_TX or IFLA_VXLAN_REMCSUM_RX =>
                    vxlan with { RemoteChecksum = vxlan.RemoteChecksum || attribute.Read<byte>() != 0 },
                // These two are flags: their presence is their value.
                IFLA_VXLAN_GBP => vxlan with { GroupPolicy = true },
                IFLA_VXLAN_GPE => vxlan with { GenericProtocolExtension = true },
                IFLA_VXLAN_COLLECT_METADATA => vxlan with { CollectMetadata = attribute.Read<byte>() != 0 },
                IFLA_VXLAN_TTL_INHERIT => vxlan with { TtlInherit = attribute.Read<byte>() != 0 },
                IFLA_VXLAN_DF => vxlan with { DontFragment = (VxlanDontFragment)attribute.Read<byte>() },
                _ => vxlan,
            };
        }

        return vxlan;
    }
}
