/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright the OnCache authors. */
/*
 * What the CNI's path does to a packet beyond letting it pass. A verdict says nothing of DSCP,
 * MSS or payload that netfilter, tc or somebody's program rewrites; so a packet that may be learned
 * from is compared with what it was when it was handed to the CNI. Only the miss path comes here.
 */
#ifndef ONCACHE_WITNESS_H
#define ONCACHE_WITNESS_H

#include "parse.h"

/* Byte offsets from the IPv4 header; no options, so the transport header is at 20. */
#define TOS_AT 1
#define IP_LENGTH_AT 2
#define TTL_AT 8
#define IP_CHECKSUM_AT 10
#define TRANSPORT_AT 20
#define TCP_SEQUENCE_AT (TRANSPORT_AT + 4)
#define TCP_FLAGS_AT (TRANSPORT_AT + 13)
#define TCP_CHECKSUM_AT (TRANSPORT_AT + 16)
#define TCP_OPTIONS_AT (TRANSPORT_AT + 20)
#define UDP_LENGTH_AT (TRANSPORT_AT + 4)
#define UDP_PAYLOAD_AT (TRANSPORT_AT + 8)
#define ICMP_CHECKSUM_AT (TRANSPORT_AT + 2)
#define TCP_PSH 0x08
/* How far apart the CPUs begin. */
#define WITNESS_STRIDE 127

/*
 * The first octets of a packet, a multiple of four of them, at most WITNESS_BYTES; if it is none of
 * eight, four zeros follow.
 */
static __always_inline bool witness_read(struct __sk_buff *skb, __u32 offset, __u64 *words,
					 __u32 length)
{
	void *packet = (void *)(long)skb->data + offset, *end = (void *)(long)skb->data_end;

	/* Some of it lies in another page. */
	if (unlikely(end - packet < length)) {
#pragma unroll
		for (__u32 i = 0; i < WITNESS_BYTES / 8; i++)
			words[i] = 0;
		return !bpf_skb_load_bytes(skb, offset, words, length);
	}
#pragma unroll
	for (__u32 i = 0; i < WITNESS_BYTES / 8; i++) {
		if (packet + 8 * i + 8 > end || 8 * i + 8 > length) {
			if (packet + 8 * i + 4 <= end && 8 * i + 4 <= length)
				words[i] = *(__u32 *)(packet + 8 * i);
			break;
		}
		words[i] = ((__u64 *)packet)[i];
	}
	return true;
}

/*
 * Notes the packet as it is. offset: of its IPv4 header. turn: counts up on this CPU, so that
 * packets that are under way together stand in different places.
 */
static __always_inline void witness_note(struct __sk_buff *skb, __u32 offset, __u64 turn)
{
	__u32 slot = (turn + bpf_get_smp_processor_id() * WITNESS_STRIDE) & (WITNESSES - 1);
	struct oncache_witness *witness = bpf_map_lookup_elem(&witnesses, &slot);
	__u32 length = skb->len - offset;

	skb->tc_index = 0;
	if (!witness)
		return;
	if (length > WITNESS_BYTES)
		length = WITNESS_BYTES;
	length &= ~3;
	if (length < TRANSPORT_AT)
		return;
	witness->length = length;
	if (witness_read(skb, offset, (void *)witness->bytes, length))
		skb->tc_index = slot + 1;
}

/*
 * Lengths differ where segments were merged on the way, and with them FIN and PSH; checksums follow
 * from the rest, and are not there yet where a device is to compute them.
 */
static __always_inline void witness_forgive(__u8 *difference, __u8 protocol)
{
	*(__u16 *)(difference + IP_LENGTH_AT) = 0;
	*(__u16 *)(difference + IP_CHECKSUM_AT) = 0;
	difference[TTL_AT] = 0;
	if (protocol == IPPROTO_TCP) {
		difference[TCP_FLAGS_AT] &= ~(TCP_FIN | TCP_PSH);
		*(__u16 *)(difference + TCP_CHECKSUM_AT) = 0;
	} else if (protocol == IPPROTO_UDP) {
		*(__u32 *)(difference + UDP_LENGTH_AT) = 0; /* and the checksum */
	} else {
		*(__u16 *)(difference + ICMP_CHECKSUM_AT) = 0;
	}
}

/* Which field differs: of those that a person would look for first, the first. */
static __always_inline int witness_reason(__u32 *difference, struct packet *packet)
{
	bool tcp = packet->key.protocol == IPPROTO_TCP;
	__u32 first = WITNESS_BYTES;

	if (((__u8 *)difference)[TOS_AT])
		return REASON_LEARN_REWRITTEN_TOS;
#pragma unroll
	for (__u32 i = 0; i < WITNESS_BYTES / 4; i++) {
		if (difference[i]) {
			first = i * 4;
			break;
		}
	}
	if (first < TRANSPORT_AT)
		return REASON_LEARN_REWRITTEN_IP;
	if (first < (tcp ? TCP_OPTIONS_AT : UDP_PAYLOAD_AT))
		return REASON_LEARN_REWRITTEN_TRANSPORT;
	return tcp && first < packet->headers ? REASON_LEARN_REWRITTEN_OPTIONS
					      : REASON_LEARN_REWRITTEN_PAYLOAD;
}

/* Where the packet was noted; 0 for nowhere. The number is ours: nobody behind us sees it. */
static __always_inline __u16 witness_take(struct __sk_buff *skb)
{
	__u16 taken = skb->tc_index;

	skb->tc_index = 0;
	return taken;
}

/*
 * Did the packet arrive as the fast path would have delivered it? offset: of its IPv4 header.
 * taken: from witness_take().
 */
static __always_inline int witness_compare(struct __sk_buff *skb, __u32 offset,
					   struct packet *packet, __u16 taken)
{
	__u32 slot = (__u32)taken - 1, length;
	struct oncache_witness *witness = bpf_map_lookup_elem(&witnesses, &slot);
	__u64 difference[WITNESS_BYTES / 8] = {}, any = 0, *words;

	if (!witness)
		return REASON_LEARN_NOT_COMPARED;
	length = witness->length;
	if (length < TRANSPORT_AT || length > WITNESS_BYTES)
		return REASON_LEARN_NOT_COMPARED;
	if (length > skb->len - offset)
		return REASON_LEARN_REWRITTEN_PAYLOAD;
	if (!witness_read(skb, offset, difference, length))
		return REASON_LEARN_NOT_COMPARED;
	if (((struct iphdr *)witness->bytes)->ttl != ((struct iphdr *)difference)->ttl + 1)
		any = 1;
	words = (void *)witness->bytes;
#pragma unroll
	for (__u32 i = 0; i < WITNESS_BYTES / 8; i++) {
		if (8 * i < length)
			difference[i] ^= words[i];
	}
	/*
	 * Another packet's copy: its place was taken by now, or the packet was cut in segments on the
	 * way, of which the first is what was noted. Told by addresses, ports, IP id and sequence.
	 */
	if (((struct iphdr *)difference)->saddr | ((struct iphdr *)difference)->daddr |
	    ((struct iphdr *)difference)->id | ((__u32 *)difference)[TRANSPORT_AT / 4])
		return REASON_LEARN_NOT_COMPARED;
	if (packet->key.protocol == IPPROTO_TCP && ((__u32 *)difference)[TCP_SEQUENCE_AT / 4])
		return REASON_LEARN_NOT_COMPARED;
	witness_forgive((void *)difference, packet->key.protocol);
	if (any)
		return REASON_LEARN_REWRITTEN_TTL;
#pragma unroll
	for (int i = 0; i < WITNESS_BYTES / 8; i++)
		any |= difference[i];
	return any ? witness_reason((void *)difference, packet) : GO;
}

#endif
