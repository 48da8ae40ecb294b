using OnCache.Lab.Bench.Scale;

namespace OnCache.Lab.Tests.Bench;

public sealed class FlowSetTests
{
    [Fact]
    public void A_million_flows_have_a_million_keys()
    {
        var keys = new HashSet<(ulong, ulong)>();
        Span<byte> key = stackalloc byte[16];
        for (var index = 0; index < 1_000_000; index++)
        {
            Flow.Of(0x0af40102, index).WriteKey(key);
            keys.Add((BitConverter.ToUInt64(key), BitConverter.ToUInt64(key[8..])));
        }

        keys.Count.ShouldBe(1_000_000);
    }

    [Fact]
    public void Made_up_ones_take_every_slot_but_the_real_ones()
    {
        FlowSet.Slot(real: 3, other: 0).ShouldBe((ushort)3);
        Enumerable.Range(1, 4).Select(other => (int)FlowSet.Slot(3, other)).ShouldBe([1, 2, 4, 5]);
    }

    [Fact]
    public void A_packet_from_a_pod_has_its_key_s_addresses_and_a_right_checksum()
    {
        var packet = FlowPackets.FromPod(FlowPackets.ParseMac("02:00:00:00:00:07"), Flow.Of(0x0af40102, 1025));

        packet[..6].ShouldBe([2, 0, 0, 0, 0, 7]);
        packet[26..34].ShouldBe([10, 244, 1, 2, 10, 128, 0, 1]);
        packet[36..38].ShouldBe([0x4e, 0x21]);
        var sum = Enumerable.Range(0, 10).Sum(word => (packet[14 + (2 * word)] << 8) + packet[15 + (2 * word)]);
        ((sum & 0xffff) + (sum >> 16)).ShouldBe(0xffff);
    }
}
