/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright the OnCache authors. */
/* VXLAN over IPv4 (RFC 7348): 50 bytes around an Ethernet frame. */
#ifndef ONCACHE_VXLAN_H
#define ONCACHE_VXLAN_H

#include "parse.h"

#define VXLAN_FLAGS 0x08000000 /* "VNI present" and nothing else */

struct vxlan_header {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct udphdr udp;
	__be32 flags;
	__be32 vni; /* VNI << 8 */
	struct ethhdr inner;
} __attribute__((packed));

#define VXLAN_HEADER sizeof(struct vxlan_header)
#define VXLAN_OVERHEAD (VXLAN_HEADER - sizeof(struct ethhdr))
_Static_assert(VXLAN_HEADER == HEADER_MAX, "the template holds the header");

static __always_inline bool vxlan_candidate(void *data, void *end, struct oncache_config *cfg)
{
	struct vxlan_header *header = data;

	return (void *)&header->flags <= end && header->ethernet.h_proto == bpf_htons(ETH_P_IP) &&
	       *(__u8 *)&header->ip == IP_VERSION_AND_LENGTH &&
	       header->ip.protocol == IPPROTO_UDP && header->udp.dest == cfg->tunnel_port &&
	       !(header->ip.frag_off & bpf_htons(IP_MORE_OR_OFFSET));
}

static __always_inline bool mac_equal(const __u8 *left, const __u8 *right)
{
	return *(__u32 *)left == *(__u32 *)right && *(__u16 *)(left + 4) == *(__u16 *)(right + 4);
}

static __always_inline void mac_copy(__u8 *to, const __u8 *from)
{
	*(__u32 *)to = *(__u32 *)from;
	*(__u16 *)(to + 4) = *(__u16 *)(from + 4);
}

static __always_inline int vxlan_check(void *data, struct oncache_config *cfg)
{
	struct vxlan_header *header = data;

	if (header->flags != bpf_htonl(VXLAN_FLAGS) || header->vni != cfg->tunnel_id ||
	    header->ip.daddr != cfg->node_ip || !mac_equal(header->inner.h_dest, cfg->tunnel_mac))
		return REASON_TUNNEL_HEADER;
	if (header->inner.h_proto != bpf_htons(ETH_P_IP))
		return REASON_NOT_IPV4;
	return GO;
}

/* Would decapsulation change the inner ECN bits, or drop the packet? RFC 6040 section 4.2. */
static __always_inline bool vxlan_congestion(void *data, __u8 inner_tos)
{
	__u8 ecn = ((struct vxlan_header *)data)->ip.tos & ECN_MASK;

	return ecn == ECN_CE || (ecn == ECN_ECT_1 && (inner_tos & ECN_MASK) == ECN_ECT_0);
}

static __always_inline bool vxlan_equals_template(void *data, struct oncache_egress_entry *node,
						  struct oncache_config *cfg)
{
	struct vxlan_header *header = data;
	struct vxlan_header *template = (void *)node->header;

	/*
	 * Left out, as they differ from packet to packet: lengths, id, checksums, source
	 * port, ECN. Our UDP checksum is 0 even where the device computes one: a receiver
	 * must accept it (RFC 7348 section 5), and the inner packet has its own.
	 */
	return mac_equal(header->ethernet.h_dest, template->ethernet.h_dest) &&
	       mac_equal(header->ethernet.h_source, template->ethernet.h_source) &&
	       header->ethernet.h_proto == template->ethernet.h_proto &&
	       *(__u8 *)&header->ip == *(__u8 *)&template->ip &&
	       (cfg->inherit_tos || (header->ip.tos & ~ECN_MASK) == node->tos) &&
	       header->ip.frag_off == template->ip.frag_off && header->ip.ttl == template->ip.ttl &&
	       header->ip.protocol == template->ip.protocol &&
	       header->ip.saddr == template->ip.saddr && header->ip.daddr == template->ip.daddr &&
	       header->udp.dest == template->udp.dest && header->flags == template->flags &&
	       header->vni == template->vni &&
	       mac_equal(header->inner.h_dest, template->inner.h_dest) &&
	       mac_equal(header->inner.h_source, template->inner.h_source) &&
	       header->inner.h_proto == template->inner.h_proto;
}

static __always_inline int vxlan_push(struct __sk_buff *skb, struct oncache_egress_entry *node,
				      struct oncache_config *cfg, struct packet *packet,
				      __u32 identification)
{
	struct vxlan_header *header;
	__u32 hash, checksum, length;
	__u64 *to, *from;
	__u8 tos;

	/*
	 * Before the packet is resized: the hash of the inner flow spreads flows over the
	 * receiver's queues, by the kernel's own formula (udp_flow_src_port), so that a
	 * flow keeps its port when it changes paths.
	 */
	hash = bpf_get_hash_recalc(skb);
	hash ^= hash << 16;

	if (bpf_skb_adjust_room(skb, VXLAN_OVERHEAD, BPF_ADJ_ROOM_MAC,
				BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 |
					BPF_F_ADJ_ROOM_ENCAP_L4_UDP | BPF_F_ADJ_ROOM_ENCAP_L2_ETH |
					BPF_F_ADJ_ROOM_ENCAP_L2(sizeof(struct ethhdr))))
		return REASON_REWRITE_FAILED;

	header = (void *)(long)skb->data;
	if ((void *)(header + 1) + sizeof(struct iphdr) > (void *)(long)skb->data_end)
		return REASON_REWRITE_FAILED;

	to = (void *)header;
	from = (void *)node->header;
#pragma unroll
	for (int i = 0; i < HEADER_MAX / 8; i++)
		to[i] = from[i];

	/* ECN as RFC 6040 copies it (CE never comes here); DSCP by the device's setting. */
	tos = (cfg->inherit_tos ? packet->tos & ~ECN_MASK : node->tos) | (packet->tos & ECN_MASK);
	length = skb->len - sizeof(struct ethhdr);
	header->ip.tos = tos;
	header->ip.tot_len = bpf_htons(length);
	header->ip.id = bpf_htons(identification + hash);
	checksum = node->checksum + bpf_htons(tos) + header->ip.tot_len + header->ip.id;
	checksum = (checksum & 0xffff) + (checksum >> 16);
	checksum = (checksum & 0xffff) + (checksum >> 16);
	header->ip.check = ~checksum;
	header->udp.source =
		bpf_htons((((__u64)hash * cfg->source_port_count) >> 32) + cfg->source_port_min);
	header->udp.len = bpf_htons(length - sizeof(struct iphdr));

	decrement_ttl((void *)(header + 1));
	return GO;
}

/*
 * How many checksums, from the outermost on, the NIC or GRO has verified is counted in the skb, and
 * the tunnel's takes the first place, also where it is zero: GRO counts one that is not there as
 * verified. It is taken from the count with its header, as by the kernel's own decapsulation, so that
 * the pod verifies the inner one unless somebody has. What the device has summed itself
 * (CHECKSUM_COMPLETE) is corrected by the kernel when the header goes.
 */
static __always_inline int vxlan_pop(struct __sk_buff *skb)
{
	if (bpf_skb_adjust_room(skb, -(__s32)VXLAN_OVERHEAD, BPF_ADJ_ROOM_MAC,
				BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET))
		return REASON_REWRITE_FAILED;
	bpf_csum_level(skb, BPF_CSUM_LEVEL_DEC);
	return GO;
}

#endif
