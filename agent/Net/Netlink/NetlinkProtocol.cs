namespace OnCache.Agent.Net;

/// <summary>Values of <c>linux/netlink.h</c> and <c>linux/rtnetlink.h</c>, under their native names.</summary>
internal static class NetlinkProtocol
{
    public const int NETLINK_ROUTE = 0;
    public const int NETLINK_XFRM = 6;
    public const int NETLINK_NETFILTER = 12;

    public const int HeaderLength = 16;
    public const int AttributeHeaderLength = 4;

    public const ushort NLM_F_REQUEST = 1;
    public const ushort NLM_F_ACK = 4;
    public const ushort NLM_F_DUMP_INTR = 0x10;
    public const ushort NLM_F_DUMP = 0x300;
    public const ushort NLM_F_CREATE = 0x400;
    // The same bit value as NLM_F_ROOT: notifications repeat the flags of the request that caused them.
    public const ushort NLM_F_REPLACE = 0x100;
    public const ushort NLM_F_ACK_TLVS = 0x200;

    public const ushort NLMSG_ERROR = 2;
    public const ushort NLMSG_DONE = 3;
    public const ushort NLMSGERR_ATTR_MSG = 1;
    // The two top bits of an attribute type say "nested" and "network byte order".
    public const ushort NLA_TYPE_MASK = 0x3fff;
    public const ushort NLA_F_NESTED = 0x8000;
    public const ushort NLA_F_NET_BYTEORDER = 0x4000;

    public const ushort RTM_NEWLINK = 16;
    public const ushort RTM_DELLINK = 17;
    public const ushort RTM_GETLINK = 18;
    public const ushort RTM_NEWADDR = 20;
    public const ushort RTM_DELADDR = 21;
    public const ushort RTM_GETADDR = 22;
    public const ushort RTM_NEWROUTE = 24;
    public const ushort RTM_DELROUTE = 25;
    public const ushort RTM_GETROUTE = 26;
    public const ushort RTM_NEWNEIGH = 28;
    public const ushort RTM_DELNEIGH = 29;
    public const ushort RTM_GETNEIGH = 30;
    public const ushort RTM_NEWRULE = 32;
    public const ushort RTM_DELRULE = 33;
    public const ushort RTM_GETRULE = 34;
    public const ushort RTM_NEWQDISC = 36;
    public const ushort RTM_DELQDISC = 37;
    public const ushort RTM_GETQDISC = 38;
    public const ushort RTM_NEWTFILTER = 44;
    public const ushort RTM_DELTFILTER = 45;
    public const ushort RTM_GETTFILTER = 46;
    public const ushort RTM_NEWNETCONF = 80;
    public const ushort RTM_DELNETCONF = 81;
    public const ushort RTM_GETNETCONF = 82;
    public const ushort RTM_NEWCHAIN = 100;
    public const ushort RTM_DELCHAIN = 101;
    public const ushort RTM_NEWNEXTHOP = 104;
    public const ushort RTM_DELNEXTHOP = 105;

    public const int RTNLGRP_LINK = 1;
    public const int RTNLGRP_NEIGH = 3;
    public const int RTNLGRP_TC = 4;
    public const int RTNLGRP_IPV4_IFADDR = 5;
    public const int RTNLGRP_IPV4_ROUTE = 7;
    public const int RTNLGRP_IPV4_RULE = 8;
    public const int RTNLGRP_IPV4_NETCONF = 24;
    public const int RTNLGRP_NEXTHOP = 32;

    public const ushort XFRM_MSG_NEWPOLICY = 0x13;
    public const ushort XFRM_MSG_GETPOLICY = 0x15;
    public const int XFRMNLGRP_EXPIRE = 2;
    public const int XFRMNLGRP_POLICY = 4;

    public const byte AF_UNSPEC = 0;
    public const byte AF_INET = 2;
    public const byte AF_BRIDGE = 7;
}
