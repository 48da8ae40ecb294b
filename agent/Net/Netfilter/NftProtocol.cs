namespace OnCache.Agent.Net.Netfilter;

/// <summary>Values of <c>linux/netfilter/nfnetlink.h</c>, <c>nf_tables.h</c> and <c>nf_tables_compat.h</c>, under their native names.</summary>
internal static class NftProtocol
{
    public const int NFNLGRP_NFTABLES = 7;

    private const ushort NFNL_SUBSYS_NFTABLES = 10;

    public const ushort NFT_MSG_NEWTABLE = NFNL_SUBSYS_NFTABLES << 8 | 0;
    public const ushort NFT_MSG_GETTABLE = NFNL_SUBSYS_NFTABLES << 8 | 1;
    public const ushort NFT_MSG_DELTABLE = NFNL_SUBSYS_NFTABLES << 8 | 2;
    public const ushort NFT_MSG_NEWCHAIN = NFNL_SUBSYS_NFTABLES << 8 | 3;
    public const ushort NFT_MSG_GETCHAIN = NFNL_SUBSYS_NFTABLES << 8 | 4;
    public const ushort NFT_MSG_DELCHAIN = NFNL_SUBSYS_NFTABLES << 8 | 5;
    public const ushort NFT_MSG_NEWRULE = NFNL_SUBSYS_NFTABLES << 8 | 6;
    public const ushort NFT_MSG_GETRULE = NFNL_SUBSYS_NFTABLES << 8 | 7;
    public const ushort NFT_MSG_DELRULE = NFNL_SUBSYS_NFTABLES << 8 | 8;
    public const ushort NFT_MSG_NEWSET = NFNL_SUBSYS_NFTABLES << 8 | 9;
    public const ushort NFT_MSG_GETSET = NFNL_SUBSYS_NFTABLES << 8 | 10;
    public const ushort NFT_MSG_DELSET = NFNL_SUBSYS_NFTABLES << 8 | 11;
    public const ushort NFT_MSG_NEWSETELEM = NFNL_SUBSYS_NFTABLES << 8 | 12;
    public const ushort NFT_MSG_GETSETELEM = NFNL_SUBSYS_NFTABLES << 8 | 13;
    public const ushort NFT_MSG_DELSETELEM = NFNL_SUBSYS_NFTABLES << 8 | 14;
    public const ushort NFT_MSG_NEWGEN = NFNL_SUBSYS_NFTABLES << 8 | 15;
    public const ushort NFT_MSG_NEWOBJ = NFNL_SUBSYS_NFTABLES << 8 | 18;
    public const ushort NFT_MSG_DELOBJ = NFNL_SUBSYS_NFTABLES << 8 | 20;
    public const ushort NFT_MSG_NEWFLOWTABLE = NFNL_SUBSYS_NFTABLES << 8 | 22;
    public const ushort NFT_MSG_DELFLOWTABLE = NFNL_SUBSYS_NFTABLES << 8 | 24;

    public const ushort NFTA_LIST_ELEM = 1;

    public const ushort NFTA_TABLE_NAME = 1;
    public const ushort NFTA_TABLE_FLAGS = 2;
    public const uint NFT_TABLE_F_DORMANT = 1;

    public const ushort NFTA_CHAIN_TABLE = 1;
    public const ushort NFTA_CHAIN_HANDLE = 2;
    public const ushort NFTA_CHAIN_NAME = 3;
    public const ushort NFTA_CHAIN_HOOK = 4;
    public const ushort NFTA_CHAIN_POLICY = 5;
    public const ushort NFTA_CHAIN_TYPE = 7;

    public const ushort NFTA_HOOK_HOOKNUM = 1;
    public const ushort NFTA_HOOK_PRIORITY = 2;
    public const ushort NFTA_HOOK_DEV = 3;
    public const ushort NFTA_HOOK_DEVS = 4;
    public const ushort NFTA_DEVICE_NAME = 1;
    public const ushort NFTA_DEVICE_PREFIX = 2;

    public const ushort NFTA_RULE_TABLE = 1;
    public const ushort NFTA_RULE_CHAIN = 2;
    public const ushort NFTA_RULE_HANDLE = 3;
    public const ushort NFTA_RULE_EXPRESSIONS = 4;
    public const ushort NFTA_RULE_USERDATA = 7;

    public const ushort NFTA_SET_TABLE = 1;
    public const ushort NFTA_SET_NAME = 2;
    public const ushort NFTA_SET_FLAGS = 3;
    public const ushort NFTA_SET_KEY_LEN = 5;
    public const ushort NFTA_SET_DATA_TYPE = 6;
    public const ushort NFTA_SET_HANDLE = 16;
    public const ushort NFTA_SET_EXPR = 17;
    public const ushort NFTA_SET_EXPRESSIONS = 18;
    public const uint NFT_SET_ANONYMOUS = 1;
    public const uint NFT_SET_CONSTANT = 2;
    public const uint NFT_SET_INTERVAL = 4;
    public const uint NFT_SET_MAP = 8;
    public const uint NFT_SET_TIMEOUT = 0x10;
    public const uint NFT_SET_EVAL = 0x20;
    public const uint NFT_SET_CONCAT = 0x80;
    public const uint NFT_DATA_VERDICT = 0xffff_ff00;

    public const ushort NFTA_SET_ELEM_LIST_TABLE = 1;
    public const ushort NFTA_SET_ELEM_LIST_SET = 2;
    public const ushort NFTA_SET_ELEM_LIST_ELEMENTS = 3;
    public const ushort NFTA_SET_ELEM_KEY = 1;
    public const ushort NFTA_SET_ELEM_DATA = 2;
    public const ushort NFTA_SET_ELEM_FLAGS = 3;
    public const ushort NFTA_SET_ELEM_KEY_END = 10;
    public const ushort NFTA_SET_ELEM_EXPRESSIONS = 11;
    public const ushort NFTA_SET_ELEM_EXPR = 7;
    public const uint NFT_SET_ELEM_INTERVAL_END = 1;
    public const uint NFT_SET_ELEM_CATCHALL = 2;

    public const ushort NFTA_EXPR_NAME = 1;
    public const ushort NFTA_EXPR_DATA = 2;

    public const ushort NFTA_DATA_VALUE = 1;
    public const ushort NFTA_DATA_VERDICT = 2;
    public const ushort NFTA_VERDICT_CODE = 1;
    public const ushort NFTA_VERDICT_CHAIN = 2;
    public const int NFT_CONTINUE = -1;
    public const int NFT_BREAK = -2;
    public const int NFT_JUMP = -3;
    public const int NFT_GOTO = -4;
    public const int NFT_RETURN = -5;
    public const int NF_DROP = 0;
    public const int NF_ACCEPT = 1;
    public const int NF_VERDICT_MASK = 0xff;

    public const byte NFPROTO_INET = 1;
    public const byte NFPROTO_IPV4 = 2;
    public const byte NFPROTO_ARP = 3;
    public const byte NFPROTO_NETDEV = 5;
    public const byte NFPROTO_BRIDGE = 7;
    public const byte NFPROTO_IPV6 = 10;

    public const int NF_INET_PRE_ROUTING = 0;
    public const int NF_INET_LOCAL_IN = 1;
    public const int NF_INET_FORWARD = 2;
    public const int NF_INET_LOCAL_OUT = 3;
    public const int NF_INET_POST_ROUTING = 4;
    public const int NF_INET_INGRESS = 5;
    public const int NF_NETDEV_INGRESS = 0;
    public const int NF_NETDEV_EGRESS = 1;
}
