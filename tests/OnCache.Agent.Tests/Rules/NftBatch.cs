using System.Buffers.Binary;
using System.Text;

using OnCache.Agent.Net;
using OnCache.Agent.Tests.Net;

using static OnCache.Agent.Net.Netfilter.NftProtocol;
using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Tests.Rules;

/// <summary>What the nft of Debian 12 has no words for yet.</summary>
internal static class NftBatch
{
    private const ushort NFNL_MSG_BATCH_BEGIN = 16;
    private const ushort NFNL_MSG_BATCH_END = 17;
    private const int NFNL_SUBSYS_NFTABLES = 10;
    private const ushort NLM_F_CREATE = 0x400;

    /// <summary>Hangs a chain of family netdev, hook ingress, at one more device, or takes it off one.</summary>
    public static void HangAt(TestNamespace space, string table, string chain, string device, bool isGone = false) => space.Run(() =>
    {
        using var socket = NetlinkSocket.Open(NetlinkProtocol.NETLINK_NETFILTER);
        var change = new NetlinkMessageWriter(new byte[512], isGone ? NFT_MSG_DELCHAIN : NFT_MSG_NEWCHAIN, isGone ? NLM_F_REQUEST : (ushort)(NLM_F_REQUEST | NLM_F_CREATE));
        change.Write((uint)NFPROTO_NETDEV);
        change.Attribute(NFTA_CHAIN_TABLE, Text(table));
        change.Attribute(NFTA_CHAIN_NAME, Text(chain));
        var hook = change.BeginNested(NFTA_CHAIN_HOOK);
        change.Attribute(NFTA_HOOK_HOOKNUM, BinaryPrimitives.ReverseEndianness(NF_NETDEV_INGRESS));
        change.Attribute(NFTA_HOOK_PRIORITY, 0);
        var devices = change.BeginNested(NFTA_HOOK_DEVS);
        change.Attribute(NFTA_DEVICE_NAME, Text(device));
        change.EndNested(devices);
        change.EndNested(hook);
        socket.SendAll([.. Mark(NFNL_MSG_BATCH_BEGIN), .. change.Finish(), .. Mark(NFNL_MSG_BATCH_END)], "change a chain");
    });

    private static byte[] Mark(ushort type)
    {
        var mark = new NetlinkMessageWriter(new byte[64], type, NLM_F_REQUEST);
        // Family, version, and the subsystem in network byte order.
        mark.Write((uint)NFNL_SUBSYS_NFTABLES << 24);
        return mark.Finish().ToArray();
    }

    private static byte[] Text(string text) => [.. Encoding.UTF8.GetBytes(text), 0];
}
