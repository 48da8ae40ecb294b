/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright the OnCache authors. */
/*
 * The tunnel as a strategy: header length, parser, template writer and template
 * comparison. The programs know a tunnel by these functions alone. A further tunnel
 * adds a header like vxlan.h, a constant in load_options and a case in each function:
 * constant at load, so the verifier keeps one strategy and the hot path pays nothing.
 */
#ifndef ONCACHE_ENCAPSULATION_H
#define ONCACHE_ENCAPSULATION_H

#include "vxlan.h"

/* Bytes from the outer Ethernet header to the inner IPv4 header. */
static __always_inline __u32 tunnel_header_length(void)
{
	return VXLAN_HEADER;
}

/* Is this frame for the tunnel at all? Enough to let all other traffic pass at once. */
static __always_inline bool tunnel_candidate(void *data, void *end, struct oncache_config *cfg)
{
	return vxlan_candidate(data, end, cfg);
}

/* Full check of a received header whose bytes are linear. */
static __always_inline int tunnel_check(void *data, struct oncache_config *cfg)
{
	return vxlan_check(data, cfg);
}

static __always_inline __be32 tunnel_source(void *data)
{
	return ((struct vxlan_header *)data)->ip.saddr;
}

static __always_inline __be32 tunnel_destination(void *data)
{
	return ((struct vxlan_header *)data)->ip.daddr;
}

/* Does the header that the CNI made equal the one we would make? */
static __always_inline bool tunnel_equals_template(void *data, struct oncache_egress_entry *node,
						   struct oncache_config *cfg)
{
	return vxlan_equals_template(data, node, cfg);
}

/* Puts the header of `node` before the inner packet. GO, or why it was impossible. */
static __always_inline int tunnel_push(struct __sk_buff *skb, struct oncache_egress_entry *node,
				       struct oncache_config *cfg, struct packet *packet,
				       __u32 identification)
{
	return vxlan_push(skb, node, cfg, packet, identification);
}

/* Do the received header's ECN bits ask for more than being taken off? */
static __always_inline bool tunnel_congestion(void *data, __u8 inner_tos)
{
	return vxlan_congestion(data, inner_tos);
}

/* Takes the header off, and its checksum from what counts as verified. GO, or why it was impossible. */
static __always_inline int tunnel_pop(struct __sk_buff *skb)
{
	return vxlan_pop(skb);
}

#endif
