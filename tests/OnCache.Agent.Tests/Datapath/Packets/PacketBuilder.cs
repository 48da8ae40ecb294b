using System.Buffers.Binary;
using System.Globalization;

namespace OnCache.Agent.Tests.Datapath.Packets;

/// <summary>From layers to octets.</summary>
internal static class PacketBuilder
{
    private const string Any = "any";
    private const string Tunnel = "tunnel";

    /// <param name="actual">
    /// The packet that is compared with the result: fields that may have any value are taken from it, and checksums over
    /// them follow.
    /// </param>
    /// <exception cref="FormatException">A layer is not well written; the message names it.</exception>
    public static byte[] Build(IReadOnlyList<Layer> layers, ReadOnlySpan<byte> actual = default)
    {
        var offsets = new int[layers.Count + 1];
        for (var i = 0; i < layers.Count; i++)
        {
            offsets[i + 1] = offsets[i] + SizeOf(layers[i], i);
        }

        var packet = new byte[offsets[^1]];
        var same = new byte[packet.Length];
        actual[..Math.Min(actual.Length, same.Length)].CopyTo(same);
        // From the inside out: a checksum covers what follows it.
        for (var i = layers.Count - 1; i >= 0; i--)
        {
            var span = packet.AsSpan(offsets[i]);
            var seen = same.AsSpan(offsets[i]);
            var next = i + 1 < layers.Count ? layers[i + 1] : null;
            switch (layers[i])
            {
                case { Ethernet: { } ethernet }:
                    WellKnown.Mac(ethernet.To).CopyTo(span);
                    WellKnown.Mac(ethernet.From).CopyTo(span[6..]);
                    Put(span[12..], ethernet.Type);
                    break;
                case { Ipv4: { } ip }:
                    Write(ip, span, seen, ProtocolOf(next));
                    break;
                case { Tcp: { } tcp }:
                    Put(span, tcp.From);
                    Put(span[2..], tcp.To);
                    BinaryPrimitives.WriteUInt32BigEndian(span[4..], 0x0102_0304);
                    BinaryPrimitives.WriteUInt32BigEndian(span[8..], 0x0506_0708);
                    span[12] = 5 << 4;
                    span[13] = (byte)tcp.Flags;
                    Put(span[14..], 0x2000);
                    Put(span[16..], Transport(packet, layers, offsets, i, 6));
                    break;
                case { Udp: { } udp }:
                    Put(span, udp.From == Tunnel ? BinaryPrimitives.ReadUInt16BigEndian(seen) : Number(udp.From));
                    Put(span[2..], udp.To);
                    Put(span[4..], span.Length);
                    Put(span[6..], udp.Checksum ?? NotZero(Transport(packet, layers, offsets, i, 17)));
                    break;
                case { Icmp: { } icmp }:
                    span[0] = (byte)icmp.Type;
                    span[1] = (byte)icmp.Code;
                    Put(span[4..], icmp.Identifier);
                    Put(span[6..], icmp.Sequence);
                    Put(span[2..], InternetChecksum.Of(span));
                    break;
                case { Vxlan: { } vxlan }:
                    BinaryPrimitives.WriteUInt32BigEndian(span, vxlan.Flags);
                    BinaryPrimitives.WriteUInt32BigEndian(span[4..], vxlan.Vni << 8);
                    break;
                case { Payload: { } payload }:
                    for (var octet = 0; octet < payload.Length; octet++)
                    {
                        span[octet] = (byte)(payload.Seed + octet);
                    }

                    break;
                case { Hex: { } hex }:
                    Octets(hex).CopyTo(span);
                    break;
            }
        }

        return packet;
    }

    /// <summary>The layer that holds an octet, for messages.</summary>
    public static string LayerAt(IReadOnlyList<Layer> layers, int offset)
    {
        var start = 0;
        for (var i = 0; i < layers.Count; i++)
        {
            var size = SizeOf(layers[i], i);
            if (offset < start + size)
            {
                return $"layer {i} ({NameOf(layers[i])}), octet {offset - start}";
            }

            start += size;
        }

        return $"octet {offset}, behind the last layer";
    }

    /// <summary>May the source port of this packet's tunnel header be what it is?</summary>
    public static bool WantsTunnelPort(IReadOnlyList<Layer> layers) => layers.Any(layer => layer.Udp?.From == Tunnel);

    private static void Write(Ipv4Layer ip, Span<byte> span, ReadOnlySpan<byte> seen, int protocol)
    {
        var options = Octets(ip.Options);
        var header = 20 + options.Length;
        span[0] = (byte)(0x40 | header / 4);
        span[1] = (byte)ip.Tos;
        Put(span[2..], ip.TotalLength ?? span.Length);
        Put(span[4..], ip.Id == Any ? BinaryPrimitives.ReadUInt16BigEndian(seen[4..]) : Number(ip.Id));
        Put(span[6..], ip.Fragment);
        span[8] = (byte)ip.Ttl;
        span[9] = (byte)(ip.Protocol ?? protocol);
        WellKnown.Ip(ip.From).CopyTo(span[12..]);
        WellKnown.Ip(ip.To).CopyTo(span[16..]);
        options.CopyTo(span[20..]);
        Put(span[10..], ip.Checksum ?? InternetChecksum.Of(span[..header]));
    }

    private static int Transport(byte[] packet, IReadOnlyList<Layer> layers, int[] offsets, int index, byte protocol)
    {
        if (index == 0 || layers[index - 1].Ipv4 is not { } ip)
        {
            throw new FormatException($"layer {index} ({NameOf(layers[index])}) must follow an ipv4 layer");
        }

        Span<byte> header = stackalloc byte[20];
        WellKnown.Ip(ip.From).CopyTo(header[12..]);
        WellKnown.Ip(ip.To).CopyTo(header[16..]);
        var rest = packet.AsSpan(offsets[index]);
        return InternetChecksum.Of(rest, InternetChecksum.PseudoHeader(header, protocol, rest.Length));
    }

    // A computed UDP checksum of 0 is sent as all ones: 0 says that there is none (RFC 768).
    private static int NotZero(int checksum) => checksum == 0 ? 0xffff : checksum;

    private static int ProtocolOf(Layer? next) => next switch
    {
        { Tcp: not null } => 6,
        { Udp: not null } => 17,
        { Icmp: not null } => 1,
        _ => 17,
    };

    private static int SizeOf(Layer layer, int index) => layer switch
    {
        { Ethernet: not null } => 14,
        { Ipv4: { } ip } => 20 + Octets(ip.Options).Length,
        { Tcp: not null } => 20,
        { Udp: not null } or { Icmp: not null } or { Vxlan: not null } => 8,
        { Payload: { } payload } => payload.Length,
        { Hex: { } hex } => Octets(hex).Length,
        _ => throw new FormatException($"layer {index} names no header"),
    };

    private static string NameOf(Layer layer) => layer switch
    {
        { Ethernet: not null } => "ethernet",
        { Ipv4: not null } => "ipv4",
        { Tcp: not null } => "tcp",
        { Udp: not null } => "udp",
        { Icmp: not null } => "icmp",
        { Vxlan: not null } => "vxlan",
        { Payload: not null } => "payload",
        _ => "hex",
    };

    private static byte[] Octets(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    private static int Number(string text) => text.StartsWith("0x", StringComparison.Ordinal)
        ? int.Parse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
        : int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    private static void Put(Span<byte> target, int value) => BinaryPrimitives.WriteUInt16BigEndian(target, (ushort)value);
}
