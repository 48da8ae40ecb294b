using OnCache.Agent.Net;

namespace OnCache.Agent.Topology;

/// <summary>Why a device cannot carry outer packets.</summary>
internal enum UnderlayDeviceFault
{
    None,
    NotEthernet,
    InVrf,
    Down,
}

/// <summary>Which devices outer packets may be redirected to.</summary>
internal static class UnderlayDevice
{
    /// <summary>
    /// Plain Ethernet only. A list of what is known to be fine, because a device that encrypts or tunnels (WireGuard, a tap of a VPN)
    /// must never be mistaken for one. The empty kind is a physical device.
    /// </summary>
    private static readonly string[] s_kinds = ["", "vlan", "bond", "team", "bridge", "veth", "macvlan"];

    public static UnderlayDeviceFault Check(NetworkSnapshot snapshot, Link link) =>
        !link.IsEthernet || !s_kinds.Contains(link.Kind, StringComparer.Ordinal) || link.Flags.HasFlag(LinkFlags.Loopback)
            ? UnderlayDeviceFault.NotEthernet
            : snapshot.Links.GetValueOrDefault(link.MasterIfIndex)?.Kind == "vrf"
                ? UnderlayDeviceFault.InVrf
                : link.IsUp
                    ? UnderlayDeviceFault.None
                    : UnderlayDeviceFault.Down;
}
