/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright the OnCache authors. */
/*
 * Why a packet did not take the fast path, or was not learned. Append only: the
 * number is an index of the `reasons` map, a metric label and a word in
 * `oncache-agent status`. agent/Bpf/Reason.cs mirrors it; a test compares both.
 */
#ifndef ONCACHE_REASONS_H
#define ONCACHE_REASONS_H

enum oncache_reason {
	/* Handed to the CNI: the packet. */
	REASON_NOT_IPV4 = 0, /* or with a VLAN tag */
	REASON_IP_OPTIONS = 1,
	REASON_FRAGMENT = 2,
	REASON_PROTOCOL = 3, /* not TCP, UDP or ICMP echo */
	REASON_TTL = 4,	     /* TTL below 2: the CNI answers */
	REASON_LENGTH = 5,   /* truncated, padded, or larger than an IPv4 length */
	REASON_TCP_SYN = 6,
	REASON_MTU = 7,
	REASON_CONGESTION = 8,	   /* CE mark: RFC 6040 is left to the CNI */
	REASON_GATEWAY_MAC = 9,	   /* frame not addressed to the pod's gateway */
	REASON_TUNNEL_HEADER = 10, /* VXLAN flags, VNI, outer destination or inner MAC not ours */
	REASON_OUTER_SOURCE = 11,  /* outer source is not the flow's node */
	/* Handed to the CNI: the state. */
	REASON_AGENT_SILENT = 12,   /* heartbeat deadline passed */
	REASON_NOT_ENDPOINT = 13,   /* neither end is an endpoint of this node */
	REASON_SOURCE_ADDRESS = 14, /* source address is not that of the sending pod */
	REASON_DISABLED = 15,	    /* endpoint or protocol not selected */
	REASON_OBSERVED = 16,	    /* would have been accelerated: mode Observe */
	REASON_SHAPED = 17,	    /* a qdisc or foreign filter must see the packet */
	REASON_NO_ENTRY = 18,
	REASON_ONE_WAY = 19, /* not yet seen in both directions */
	REASON_STALE = 20,   /* flushed: the epoch moved on */
	REASON_LEASE = 21,   /* lease over: the CNI is asked again */
	REASON_CONNTRACK_GONE = 22,
	REASON_NODE_WITHDRAWN = 23, /* remote node has no usable path */
	REASON_REWRITE_FAILED = 24, /* the kernel refused to resize the packet */
	/* Not learned. */
	REASON_LEARN_HELD = 25, /* settling after a flush */
	REASON_LEARN_NO_CONNTRACK = 26,
	REASON_LEARN_NOT_ESTABLISHED = 27,
	REASON_LEARN_NAT = 28,
	REASON_LEARN_EXCLUDED = 29,
	REASON_LEARN_LOCAL_PEER = 30, /* both pods on this node */
	REASON_LEARN_NOT_TUNNEL = 31, /* left the node outside the tunnel */
	REASON_LEARN_UNKNOWN_NODE = 32,
	REASON_LEARN_TEMPLATE = 33, /* the CNI's headers differ from our template */
	REASON_LEARN_FAILED = 34,   /* map update refused */
	REASON_LEARNED = 35,
	REASON_LEARN_HELPER = 36,    /* a conntrack helper must read the payload */
	REASON_LEARN_NODE_PEER = 37, /* the peer is a node, not a pod */
	REASON_EXCLUDED = 38, /* handed to the CNI: an earlier packet of the flow was found so */
	/* Not learned: what left the pod, or came by the tunnel, was changed on the CNI's path. */
	REASON_LEARN_NOT_COMPARED = 39, /* the copy to compare with is gone */
	REASON_LEARN_REWRITTEN_TOS = 40,
	REASON_LEARN_REWRITTEN_TTL = 41,
	REASON_LEARN_REWRITTEN_IP = 42,	       /* another field of the IPv4 header */
	REASON_LEARN_REWRITTEN_TRANSPORT = 43, /* TCP, UDP or ICMP header */
	REASON_LEARN_REWRITTEN_OPTIONS = 44,   /* TCP options, the MSS above all */
	REASON_LEARN_REWRITTEN_PAYLOAD = 45,
	REASON_LEARN_HOST_RULE = 46, /* a rule of the host must see every packet */
	REASON_HOST_RULE = 47, /* handed to the CNI: an earlier packet of the flow was found so */
	REASON_REWRITTEN = 48, /* handed to the CNI: an earlier packet of the flow was rewritten */
	REASON_TCP_FLAGS = 49, /* handed to the CNI: neither ACK nor RST, in no handshake */
	REASON_LEARN_SHARE = 50, /* not learned: the pod holds its share of the filter cache */
	REASON_COUNT = 51,
};

#endif
