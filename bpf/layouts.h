/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright the OnCache authors. */
/*
 * Map layouts, shared with the agent: agent/Bpf/Layouts.cs mirrors every struct, a
 * test compares it with this object's BTF. Addresses and ports are in network byte
 * order, times are nanoseconds of CLOCK_MONOTONIC, everything else is native.
 * A change that moves a field raises LAYOUT_VERSION, which is part of the pin path.
 * One thing never moves: the head of the configuration, which agents of other versions use.
 */
#ifndef ONCACHE_LAYOUTS_H
#define ONCACHE_LAYOUTS_H

#include <linux/types.h>

enum oncache_layout {
	LAYOUT_VERSION = 9,
	/* Index 0 of the egress and ingress cache never holds anything. */
	INDEX_NONE = 0,
	/* Largest header template: outer Ethernet, IPv4, UDP, VXLAN, inner Ethernet. */
	HEADER_MAX = 64,
	/* Of a packet that is to be learned, how much is compared: IPv4 and TCP header with all options. */
	WITNESS_BYTES = 96,
	WITNESSES = 2048,
	/* Regions of flows that rules of the host keep off the fast path; more are merged by the agent. */
	HOST_REGIONS = 256,
	/* Connections that ended on one CPU and that the agent has not taken yet. */
	ENDED = 4096,
	/* Places for notes of one kind: see bpf/notes.h. */
	NOTES = 16384,
	/* From nanoseconds to the time in a note: about a millisecond, in 32 bits. */
	NOTE_SHIFT = 20,
};

enum oncache_mode {
	MODE_DISABLED = 0,
	MODE_OBSERVE = 1,
	MODE_ACCELERATE = 2,
};

enum oncache_protocol_bit {
	PROTOCOL_TCP = 1,
	PROTOCOL_UDP = 2,
	PROTOCOL_ICMP = 4,
};

enum oncache_endpoint_flag {
	ENDPOINT_EGRESS_SHAPED = 1,
	ENDPOINT_INGRESS_SHAPED = 2,
	ENDPOINT_PORTLESS = 4, /* proven: no policy asks for ports or peers */
	ENDPOINT_RULED = 8,    /* some of its flows lie in a region of the host's rules */
};

enum oncache_region_scope {
	REGION_FLOWS = 1,	      /* every packet has to meet the rule */
	REGION_SHORT_CONNECTIONS = 2, /* a connection's first packet has to */
};

enum oncache_closing {
	CLOSING_EGRESS_FIN = 1,
	CLOSING_INGRESS_FIN = 2,
	CLOSING_BOTH_FIN = 3,
	CLOSING_EGRESS_RESET = 4,
	CLOSING_INGRESS_RESET = 8,
	CLOSING_RESET = 12,
};

enum oncache_entry_flag {
	ENTRY_PORTLESS = 1, /* opened under its pair's verdict: conntrack has not seen it begin */
	ENTRY_ASKED_EGRESS = 2, /* where the SYN of such a connection went */
	ENTRY_ASKED_INGRESS = 4,
	ENTRY_ANSWERED = 8,
	ENTRY_EXCLUDED =
		16, /* no verdict, both leases 0, why in `reason`: spares the flow the asking again */
	ENTRY_OPENED_EGRESS = 32, /* begun by the CNI's leave; its pair is yet to be told */
	ENTRY_OPENED_INGRESS = 64,
	ENTRY_UNVOUCHED =
		128, /* its SYN was rewritten on the CNI's path: it vouches for no other */
};

/* In .rodata, set before load: the verifier removes what it switches off. */
struct oncache_load_options {
	__u8 have_skb_conntrack; /* kernel 6.2: an skb's conntrack entry can be read */
	__u8 pad[3];
	__u32 filter_entries; /* what endpoints may hold of the filter cache together */
};
_Static_assert(sizeof(struct oncache_load_options) == 8, "layout");

/* One element, mapped into the agent. */
struct oncache_config {
	__u32 epoch;		    /* an entry of another epoch is stale */
	__u32 mark;		    /* the miss bit in skb->mark, as a mask */
	__u64 heartbeat_deadline;   /* past it everything is handed to the CNI */
	__u32 saved_tcp_be_liberal; /* the agent's: sysctl value to restore plus 1, 0 = untouched */
	__u32 pad2;		    /* the head ends here */
	__u64 lease;		    /* how long a verdict lives */
	__u64 touch_interval;	    /* how often a flow refreshes its conntrack entry */
	__be32 node_ip;		    /* outer address of this node */
	__be32 tunnel_id;	    /* VXLAN: the header's second word, VNI << 8 */
	__be16 tunnel_port;	    /* outer destination port */
	__u16 source_port_min;
	__u16 source_port_count; /* size of the range, 1 at least */
	__u8 protocols;		 /* PROTOCOL_* this node may accelerate */
	__u8 inherit_tos;	 /* outer DSCP is the inner one */
	__u8 tunnel_mac[6];	 /* inner destination of packets for this node */
	__u8 pad[2];
	__u32 timeout_tcp_established; /* conntrack timeouts, ms */
	__u32 timeout_tcp_closing;
	__u32 timeout_tcp_closed;
	__u32 timeout_udp_stream;
	__u32 host_regions; /* how many are in force */
	__u32 pad3;
};
_Static_assert(sizeof(struct oncache_config) == 88, "layout");
_Static_assert(__builtin_offsetof(struct oncache_config, heartbeat_deadline) == 8, "head");
_Static_assert(__builtin_offsetof(struct oncache_config, saved_tcp_be_liberal) == 16, "head");

/*
 * Filter cache: one entry serves both directions of a flow. Without protocol, and with the
 * port of the side that is asked alone, it is the verdict on a pair of pods, under which a
 * TCP connection to that port may begin.
 */
struct oncache_flow_key {
	__be32 local_ip;
	__be32 remote_ip;
	__be16 local_port;  /* ICMP echo: identifier */
	__be16 remote_port; /* ICMP echo: 1 where the remote side asks, else 0 */
	__u8 protocol;
	__u8 pad[3];
};
_Static_assert(sizeof(struct oncache_flow_key) == 16, "layout");

struct oncache_filter_entry {
	__u64 egress_lease; /* verdict usable until; 0 = never given */
	__u64 ingress_lease;
	__u64 touched; /* when conntrack was last refreshed */
	__u32 epoch;   /* of config, endpoint, node, when learned */
	__u32 endpoint_epoch;
	__u32 node_epoch;
	__u16 endpoint; /* index in the ingress cache */
	__u16 node;	/* index in the egress cache, INDEX_NONE = unknown */
	__u8 closing;	/* CLOSING_*: how far the connection has ended */
	__u8 flags;	/* ENTRY_* */
	__u8 reason;	/* of ENTRY_EXCLUDED: what its packets count as */
	__u8 pad;
	__s32 unanswered; /* of a pair: connections begun that nobody has answered yet */
};
_Static_assert(sizeof(struct oncache_filter_entry) == 48, "layout");

/* Egress cache: how to reach a remote node. */
struct oncache_egress_entry {
	__u32 epoch;
	__u32 ifindex;	/* NIC; 0 = withdrawn */
	__be32 node_ip; /* outer destination */
	__u32 checksum; /* one's complement sum of the outer IPv4 header without
					 * tos, total length, id and checksum */
	__u16 mtu;	/* largest inner IPv4 packet, bytes */
	__u8 tos;	/* outer DSCP, ECN bits zero */
	__u8 pad;
	__be32 tunnel_ip;	 /* the node's own address inside the tunnel, 0 = unknown */
	__u8 header[HEADER_MAX]; /* outer Ethernet .. inner Ethernet */
};
_Static_assert(sizeof(struct oncache_egress_entry) == 88, "layout");

/* Ingress cache: a local pod. */
struct oncache_ingress_entry {
	__u32 epoch;
	__u32 ifindex;	   /* host-side veth; 0 = withdrawn */
	__u64 learn_after; /* nothing is learned before */
	__be32 ip;
	__u16 mtu; /* largest IPv4 packet the veth takes, bytes */
	__u8 mode;
	__u8 protocols; /* PROTOCOL_* selected for this pod */
	__u8 flags;	/* ENDPOINT_* */
	__u8 pad[3];
	__u8 pod_mac[6];
	__u8 gateway_mac[6];
	__u32 since; /* the epoch with which the pod got this place */
	__u32 pad2;
};
_Static_assert(sizeof(struct oncache_ingress_entry) == 48, "layout");

/* Per CPU and endpoint. Packets count wire segments, bytes count pod-side frames. */
struct oncache_endpoint_counters {
	__u64 egress_packets;
	__u64 egress_bytes;
	__u64 ingress_packets;
	__u64 ingress_bytes;
};
_Static_assert(sizeof(struct oncache_endpoint_counters) == 32, "layout");

/* Entries of the filter cache that are an endpoint's. */
struct oncache_held {
	__s64 entries;
	__s64 counted; /* by the last sweep */
	__u64 refused; /* packets that taught nothing as there was no room */
	__u64 pad[5];  /* a cache line of its own */
};
_Static_assert(sizeof(struct oncache_held) == 64, "layout");

/* Per CPU and reason; packets. */
struct oncache_reason_counters {
	__u64 egress;
	__u64 ingress;
};
_Static_assert(sizeof(struct oncache_reason_counters) == 16, "layout");

/* Exclusions: longest prefix match on the peer's address ... */
struct oncache_excluded_prefix {
	__u32 length; /* bits */
	__be32 address;
};
_Static_assert(sizeof(struct oncache_excluded_prefix) == 8, "layout");

/* ... and protocol with port, on either side of the flow. */
struct oncache_excluded_port {
	__u8 protocol;
	__u8 pad;
	__be16 port;
};
_Static_assert(sizeof(struct oncache_excluded_port) == 4, "layout");

/*
 * A packet as it was when it was handed to the CNI, from its IPv4 header on; skb->tc_index leads the
 * far end of the CNI's path to it. One of a ring that nobody owns: where it was overwritten, the
 * packet is not learned from.
 */
struct oncache_witness {
	__u32 length; /* bytes that are there, 0 = none */
	__u32 pad;
	__u8 bytes[WITNESS_BYTES];
};
_Static_assert(sizeof(struct oncache_witness) == 104, "layout");

/* Flows that a rule of the host keeps off the fast path, seen from the local pod. */
struct oncache_host_region {
	__u32 local_min; /* all in native byte order, inclusive */
	__u32 local_max;
	__u32 remote_min;
	__u32 remote_max;
	__u16 local_port_min;
	__u16 local_port_max;
	__u16 remote_port_min;
	__u16 remote_port_max;
	__u8 protocol; /* 0 = any */
	__u8 scope;    /* REGION_* */
	__u8 pad[2];
};
_Static_assert(sizeof(struct oncache_host_region) == 28, "layout");

/* A connection whose end the fast path has seen and conntrack has not: the agent tells conntrack. */
struct oncache_ended {
	struct oncache_flow_key key;
	__u64 at;
	__u8 closing; /* CLOSING_* */
	__u8 pad[7];
};
_Static_assert(sizeof(struct oncache_ended) == 32, "layout");

/* The queue of them that one CPU fills and the agent empties; how many there have ever been. */
struct oncache_ended_queue {
	__u64 written;
	__u64 taken;
	__u64 pad[6]; /* a cache line of its own */
};
_Static_assert(sizeof(struct oncache_ended_queue) == 64, "layout");

/* Result of the last sweep over the filter cache. */
struct oncache_sweep {
	__u64 live;   /* entries still usable */
	__u64 purged; /* entries removed */
};
_Static_assert(sizeof(struct oncache_sweep) == 16, "layout");

#endif
