using System.Globalization;
using System.Net.Sockets;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Policy;

/// <summary>Packets from one pod to another that are not to pass.</summary>
public sealed record DenyRule
{
    private const int MaxPort = 65535;

    /// <param name="source">The pod that sends.</param>
    /// <param name="destination">The pod that must not receive; its node enforces the rule.</param>
    /// <param name="protocol">TCP, UDP or ICMP; null for every protocol.</param>
    /// <param name="port">Destination port, 1 to 65535, with TCP or UDP; null for every port.</param>
    /// <exception cref="LabException">Another protocol, or a port out of range or without ports' protocol.</exception>
    public DenyRule(LabPod source, LabPod destination, ProtocolType? protocol = null, int? port = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        if (protocol is not (null or ProtocolType.Tcp or ProtocolType.Udp or ProtocolType.Icmp))
        {
            throw new LabException($"deny {source} to {destination}: protocol {protocol} is none of Tcp, Udp and Icmp");
        }

        if (port is not (null or (>= 1 and <= MaxPort)))
        {
            throw new LabException($"deny {source} to {destination}: port {port} is not between 1 and {MaxPort}");
        }

        if (port is not null && protocol is not (ProtocolType.Tcp or ProtocolType.Udp))
        {
            throw new LabException($"deny {source} to {destination}: port {port} needs the protocol Tcp or Udp");
        }

        Source = source;
        Destination = destination;
        Protocol = protocol;
        Port = port;
    }

    public LabPod Source { get; }

    public LabPod Destination { get; }

    public ProtocolType? Protocol { get; }

    public int? Port { get; }

    /// <summary>The rule as words of iptables and of conntrack alike.</summary>
    internal IEnumerable<string> Match()
    {
        yield return "-s";
        yield return Source.Address.ToString();
        yield return "-d";
        yield return Destination.Address.ToString();
        if (Protocol is { } protocol)
        {
            yield return "-p";
            yield return protocol switch
            {
                ProtocolType.Tcp => "tcp",
                ProtocolType.Udp => "udp",
                _ => "icmp",
            };
        }

        if (Port is { } port)
        {
            yield return "--dport";
            yield return port.ToString(CultureInfo.InvariantCulture);
        }
    }
}
