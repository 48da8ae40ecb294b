using OnCache.Agent.Net;

namespace OnCache.Agent.Topology;

using UnderlayResolution = Resolution<Underlay, UnderlayReason>;

/// <summary>Finds the VXLAN device, the NIC beneath it and the node's outer address.</summary>
internal static class UnderlayResolver
{
    public static UnderlayResolution Resolve(NetworkSnapshot snapshot, UnderlayOptions options)
    {
        if (!FindTunnel(snapshot, options).TryGet(out var link, out var refusal)
            || !CheckTunnel(snapshot, link).TryGet(out var vxlan, out refusal)
            || !FindLocal(snapshot, link, vxlan).TryGet(out var local, out refusal))
        {
            return refusal;
        }

        var nic = snapshot.Links[local.IfIndex];
        return CheckNic(snapshot, link, nic) is { } unfit
            ? unfit
            : new Underlay
            {
                Tunnel = Tunnel(link, vxlan, options),
                Nic = new UnderlayNic(nic.IfIndex, nic.Name, nic.Mac.GetValueOrDefault(), nic.Mtu),
                LocalAddress = local.Address,
            };
    }

    private static Resolution<Link, UnderlayReason> FindTunnel(NetworkSnapshot snapshot, UnderlayOptions options)
    {
        if (options.TunnelName is { } name)
        {
            return snapshot.LinkByName(name) is not { } named
                ? Refuse(UnderlayReason.NoTunnel, $"tunnel {name}: no such device; name a VXLAN device of this node")
                : named.Vxlan is null
                    ? Refuse(UnderlayReason.NotVxlan, $"tunnel {name}: kind is '{named.Kind}', must be 'vxlan'")
                    : !named.IsUp
                        ? Refuse(UnderlayReason.TunnelDown, $"tunnel {name}: device is down, must be up")
                        : named;
        }

        var all = snapshot.Links.Values.Where(static link => link.Vxlan is not null).OrderBy(static link => link.IfIndex).ToList();
        var up = all.FindAll(static link => link.IsUp);
        return (up, all) switch
        {
            ([var only], _) => only,
            ([], []) => Refuse(UnderlayReason.NoTunnel, "tunnel: no VXLAN device on this node; the CNI must run a VXLAN overlay"),
            ([], _) => Refuse(UnderlayReason.TunnelDown, $"tunnel: VXLAN device {Names(all)} is down, must be up"),
            _ => Refuse(UnderlayReason.SeveralTunnels, $"tunnel: several VXLAN devices are up ({Names(up)}), name the one to accelerate"),
        };
    }

    private static Resolution<VxlanAttributes, UnderlayReason> CheckTunnel(NetworkSnapshot snapshot, Link link)
    {
        var vxlan = link.Vxlan!;
        if (!snapshot.Forwards(link.IfIndex))
        {
            return Refuse(UnderlayReason.TunnelDown, $"tunnel {link.Name}: net.ipv4.conf.{link.Name}.forwarding is 0, must be 1");
        }

        return vxlan switch
        {
            { CollectMetadata: true } => No(UnderlayReason.CollectMetadata, "is 'external' (collect metadata)", "have a VNI of its own"),
            { GroupPolicy: true } => No(UnderlayReason.GroupPolicy, "has the group policy extension (gbp)", "be without it"),
            { GenericProtocolExtension: true } => No(UnderlayReason.GenericProtocolExtension, "is VXLAN-GPE (gpe)", "be plain VXLAN"),
            { RemoteChecksum: true } => No(UnderlayReason.RemoteChecksum, "uses remote checksum offload (remcsum)", "be without it"),
            { TtlInherit: true } => No(UnderlayReason.TtlInherit, "has ttl inherit", "have a fixed ttl or auto"),
            { DontFragment: not (VxlanDontFragment.Unset or VxlanDontFragment.Set) } =>
                No(UnderlayReason.DontFragmentInherit, "has df inherit", "have df set or unset"),
            { UsesIpv6: true } => No(UnderlayReason.Ipv6Underlay, "has an IPv6 underlay", "have an IPv4 local address"),
            _ => vxlan,
        };

        Refusal<UnderlayReason> No(UnderlayReason reason, string found, string right) =>
            Refuse(reason, $"tunnel {link.Name}: {found}, must {right}");
    }

    /// <summary>
    /// The outer source address, and the NIC: the device the tunnel is bound to, or else the one that carries the address.
    /// </summary>
    private static Resolution<InterfaceAddress, UnderlayReason> FindLocal(NetworkSnapshot snapshot, Link link, VxlanAttributes vxlan)
    {
        if (vxlan.LinkIfIndex != 0 && !snapshot.Links.ContainsKey(vxlan.LinkIfIndex))
        {
            return Refuse(UnderlayReason.NoNic,
                $"tunnel {link.Name}: its device (ifindex {vxlan.LinkIfIndex}) is not in this network namespace");
        }

        if (vxlan.Local is { } local)
        {
            // Carried twice, the first device wins; a node address belongs to one device in every layout that is known.
            var carrier = snapshot.Addresses.Values.SelectMany(static addresses => addresses)
                .Where(address => address.Address == local && snapshot.Links.ContainsKey(address.IfIndex))
                .MinBy(static address => address.IfIndex);
            return carrier is null
                ? Refuse(UnderlayReason.NoLocalAddress, $"tunnel {link.Name}: local address {local} is on no device of this node")
                : vxlan.LinkIfIndex != 0 ? carrier with { IfIndex = vxlan.LinkIfIndex } : carrier;
        }

        if (vxlan.LinkIfIndex == 0)
        {
            return Refuse(UnderlayReason.NoLocalAddress,
                $"tunnel {link.Name}: has neither a local address nor a device, must have one of them");
        }

        var primary = snapshot.Addresses.GetValueOrDefault(vxlan.LinkIfIndex, []).FirstOrDefault(static address => !address.Secondary);
        return primary is null
            ? Refuse(UnderlayReason.NoLocalAddress,
                $"tunnel {link.Name}: its device {snapshot.NameOf(vxlan.LinkIfIndex)} has no IPv4 address, must have one")
            : primary;
    }

    private static Refusal<UnderlayReason>? CheckNic(NetworkSnapshot snapshot, Link tunnel, Link nic) =>
        UnderlayDevice.Check(snapshot, nic) switch
        {
            UnderlayDeviceFault.None => null,
            UnderlayDeviceFault.NotEthernet => Refuse(UnderlayReason.NicNotEthernet,
                $"tunnel {tunnel.Name}: underlay device {nic.Name} is of kind '{nic.Kind}', must be an Ethernet NIC, VLAN, bond or bridge"),
            UnderlayDeviceFault.InVrf => Refuse(UnderlayReason.NicInVrf,
                $"tunnel {tunnel.Name}: underlay device {nic.Name} belongs to VRF {snapshot.NameOf(nic.MasterIfIndex)}, must be in none"),
            _ => Refuse(UnderlayReason.NicDown, $"tunnel {tunnel.Name}: underlay device {nic.Name} is down, must be up"),
        };

    private static TunnelDevice Tunnel(Link link, VxlanAttributes vxlan, UnderlayOptions options) => new()
    {
        IfIndex = link.IfIndex,
        Name = link.Name,
        Mac = link.Mac.GetValueOrDefault(),
        Vni = vxlan.Id,
        Port = vxlan.Port,
        // The kernel's own test for "no range".
        SourcePorts = vxlan.SourcePortLow < vxlan.SourcePortHigh
            ? new PortRange(vxlan.SourcePortLow, vxlan.SourcePortHigh)
            : options.LocalPorts,
        Ttl = vxlan.Ttl == 0 ? options.DefaultTtl : vxlan.Ttl,
        Tos = vxlan.Tos == VxlanAttributes.InheritTos ? (byte)0 : vxlan.Tos,
        TosInherit = vxlan.Tos == VxlanAttributes.InheritTos,
        DontFragment = vxlan.DontFragment == VxlanDontFragment.Set,
        UdpChecksum = vxlan.UdpChecksum,
        Mtu = link.Mtu,
        BoundIfIndex = vxlan.LinkIfIndex,
    };

    private static Refusal<UnderlayReason> Refuse(UnderlayReason reason, string message) => new(reason, message);

    private static string Names(List<Link> links) => string.Join(", ", links.Select(static link => link.Name));
}
