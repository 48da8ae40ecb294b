namespace OnCache.Agent.Net;

/// <summary>An IPv4 address of this node.</summary>
/// <param name="IfIndex">The device that carries it.</param>
/// <param name="Address">The address itself (IFA_LOCAL).</param>
/// <param name="PrefixLength">Network bits.</param>
/// <param name="Secondary">Not the first of its network on this device; never chosen as a source on its own.</param>
internal sealed record InterfaceAddress(int IfIndex, Ipv4Address Address, int PrefixLength, bool Secondary);
