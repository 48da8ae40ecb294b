namespace OnCache.Agent.Tests.Datapath.Packets;

/// <summary>
/// One header or piece of a packet as a fixture writes it; exactly one of the members is set. Whatever follows from the
/// other layers (lengths, types, checksums) is computed unless it is given.
/// </summary>
internal sealed record Layer
{
    public EthernetLayer? Ethernet { get; init; }

    public Ipv4Layer? Ipv4 { get; init; }

    public TcpLayer? Tcp { get; init; }

    public UdpLayer? Udp { get; init; }

    public IcmpLayer? Icmp { get; init; }

    public VxlanLayer? Vxlan { get; init; }

    public PayloadLayer? Payload { get; init; }

    /// <summary>Raw octets; blanks are ignored.</summary>
    public string? Hex { get; init; }
}

internal sealed record EthernetLayer
{
    /// <summary>A name of <see cref="WellKnown"/> or an address, as in every layer.</summary>
    public required string From { get; init; }

    public required string To { get; init; }

    public int Type { get; init; } = 0x0800;
}

internal sealed record Ipv4Layer
{
    public required string From { get; init; }

    public required string To { get; init; }

    public int Tos { get; init; }

    public int Ttl { get; init; } = 64;

    /// <summary>A number or "any".</summary>
    public string Id { get; init; } = "0x1234";

    /// <summary>Flags and offset as they stand in the header: 0x4000 is DF, 0x2000 is MF.</summary>
    public int Fragment { get; init; } = 0x4000;

    public int? TotalLength { get; init; }

    public int? Protocol { get; init; }

    /// <summary>Octets of options in hexadecimal, a multiple of four.</summary>
    public string Options { get; init; } = "";

    public int? Checksum { get; init; }
}

internal sealed record TcpLayer
{
    public required int From { get; init; }

    public required int To { get; init; }

    public TcpFlags Flags { get; init; } = TcpFlags.Ack;
}

/// <summary>RFC 9293 section 3.1.</summary>
[Flags]
internal enum TcpFlags
{
    None = 0,
    Fin = 1,
    Syn = 2,
    Rst = 4,
    Psh = 8,
    Ack = 16,
}

internal sealed record UdpLayer
{
    /// <summary>A number, or "tunnel": any port of the tunnel's source range.</summary>
    public required string From { get; init; }

    public required int To { get; init; }

    public int? Checksum { get; init; }
}

internal sealed record IcmpLayer
{
    public required int Type { get; init; }

    public int Code { get; init; }

    public int Identifier { get; init; }

    public int Sequence { get; init; } = 1;
}

internal sealed record VxlanLayer
{
    public uint Flags { get; init; } = 0x0800_0000;

    public uint Vni { get; init; } = WellKnown.Vni;
}

internal sealed record PayloadLayer
{
    public required int Length { get; init; }

    /// <summary>The first octet; each further one is one more.</summary>
    public int Seed { get; init; }
}
