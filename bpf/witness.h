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
#define TRANSPORT_AT 20
#define TCP_SEQUENCE_AT (TRANSPORT_AT + 4)
#define TCP_OPTIONS_AT (TRANSPORT_AT + 20)
#define UDP_PAYLOAD_AT (TRANSPORT_AT + 8)
#define TCP_PSH 0x08
/* IPv4 and TCP header without options: what is read at once. */
#define WITNESS_HEAD 40
/* How far apart the CPUs begin. */
#define WITNESS_STRIDE 127

/* The first octets of a packet; length: a multiple of four, at most WITNESS_BYTES. */
static __always_inline bool witness_read(struct __sk_buff *skb, __u32 offset, void *octets,
					 __u32 length)
{
	void *packet = (void *)(long)skb->data + offset, *end = (void *)(long)skb->data_end;

	/* Some of it may lie in another page. */
	if (unlikely(length < WITNESS_HEAD || end - packet < length || packet + WITNESS_HEAD > end))
		return !bpf_skb_load_bytes(skb, offset, octets, length);
#pragma unroll
	for (__u32 i = 0; i < WITNESS_HEAD / 8; i++)
		((__u64 *)octets)[i] = ((__u64 *)packet)[i];
#pragma unroll
	for (__u32 i = WITNESS_HEAD / 4; i < WITNESS_BYTES / 4; i++) {
		if (4 * i >= length || packet + 4 * i + 4 > end)
			break;
		((__u32 *)octets)[i] = ((__u32 *)packet)[i];
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
	if (witness_read(skb, offset, witness->bytes, length))
		skb->tc_index = slot + 1;
}

union witness_word {
	__u8 octets[8];
	__u64 word;
};

/*
 * The bits of the packet's i-th word that have to be the same. Lengths differ where segments were
 * merged on the way, and with them FIN and PSH; checksums follow from the rest, and are not there yet
 * where a device is to compute them. The TTL is looked at by itself.
 */
static __always_inline union witness_word witness_mask(int i, __u8 protocol)
{
	union witness_word length = {{255, 255, 0, 0, 255, 255, 255, 255}},
			   ttl_and_checksum = {{0, 255, 0, 0, 255, 255, 255, 255}},
			   udp_length_and_checksum = {{0, 0, 0, 0, 255, 255, 255, 255}},
			   tcp_flags_and_checksum = {
				   {255, (__u8) ~(TCP_FIN | TCP_PSH), 255, 255, 0, 0, 255, 255}};

	if (i == 0)
		return length;
	if (i == 1)
		return ttl_and_checksum;
	if (i == 3 && protocol == IPPROTO_UDP)
		return udp_length_and_checksum;
	if (i == 4 && protocol == IPPROTO_TCP)
		return tcp_flags_and_checksum;
	return (union witness_word){.word = ~0ULL};
}

/*
 * Is it the packet that was noted, but for what need not be the same? As witness_difference() would
 * find; this is what nearly all packets of TCP meet. False where it is not known.
 */
static __always_inline bool witness_same(struct __sk_buff *skb, __u32 offset,
					 struct oncache_witness *witness, __u32 length,
					 __u8 protocol)
{
	void *packet = (void *)(long)skb->data + offset, *end = (void *)(long)skb->data_end;
	__u64 *noted = (void *)witness->bytes, any = 0;

	if (length < WITNESS_HEAD || end - packet < length || packet + WITNESS_HEAD > end)
		return false;
	if (((struct iphdr *)noted)->ttl != ((struct iphdr *)packet)->ttl + 1)
		return false;
#pragma unroll
	for (__u32 i = 0; i < WITNESS_HEAD / 8; i++)
		any |= (((__u64 *)packet)[i] ^ noted[i]) & witness_mask(i, protocol).word;
#pragma unroll
	for (__u32 i = WITNESS_HEAD / 4; i < WITNESS_BYTES / 4; i++) {
		if (4 * i >= length || packet + 4 * i + 4 > end)
			break;
		any |= ((__u32 *)packet)[i] ^ ((__u32 *)noted)[i];
	}
	return !any;
}

/* Which field differs: of those that a person would look for first, the first. */
static __always_inline int witness_reason(__u32 *difference, __u8 protocol, __u32 headers)
{
	bool tcp = protocol == IPPROTO_TCP;
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
	return tcp && first < headers ? REASON_LEARN_REWRITTEN_OPTIONS
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
 * In what the packet differs from what was noted, as a reason; GO: in nothing. A function of its own, as
 * few packets come here: those of less than 40 octets, and what differs. headers: octets from the IPv4 header on that are no payload.
 */
static __noinline int witness_difference(struct __sk_buff *skb, __u32 offset, __u32 slot,
					 __u8 protocol, __u32 headers)
{
	struct oncache_witness *witness = bpf_map_lookup_elem(&witnesses, &slot);
	__u64 difference[WITNESS_BYTES / 8] = {}, any = 0;
	__u32 length;
	bool ttl;

	if (!witness)
		return REASON_LEARN_NOT_COMPARED;
	length = READ_ONCE(witness->length);
	if (length < TRANSPORT_AT || length > WITNESS_BYTES)
		return REASON_LEARN_NOT_COMPARED;
	if (bpf_skb_load_bytes(skb, offset, difference, length))
		return REASON_LEARN_NOT_COMPARED;
	ttl = ((struct iphdr *)witness->bytes)->ttl == ((struct iphdr *)difference)->ttl + 1;
#pragma unroll
	for (__u32 i = 0; i < WITNESS_BYTES / 4; i++) {
		if (4 * i < length)
			((__u32 *)difference)[i] ^= ((__u32 *)witness->bytes)[i];
	}
	/*
	 * Another packet's copy: its place was taken by now, or the packet was cut in segments on the
	 * way, of which the first is what was noted. Told by addresses, ports, IP id and sequence.
	 */
	if (((struct iphdr *)difference)->saddr | ((struct iphdr *)difference)->daddr |
	    ((struct iphdr *)difference)->id | ((__u32 *)difference)[TRANSPORT_AT / 4])
		return REASON_LEARN_NOT_COMPARED;
	if (protocol == IPPROTO_TCP && ((__u32 *)difference)[TCP_SEQUENCE_AT / 4])
		return REASON_LEARN_NOT_COMPARED;
	if (!ttl)
		return REASON_LEARN_REWRITTEN_TTL;
#pragma unroll
	for (int i = 0; i < WITNESS_BYTES / 8; i++) {
		difference[i] &= witness_mask(i, protocol).word;
		any |= difference[i];
	}
	return any ? witness_reason((void *)difference, protocol, headers) : GO;
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

	if (!witness)
		return REASON_LEARN_NOT_COMPARED;
	length = READ_ONCE(witness->length);
	if (length < TRANSPORT_AT || length > WITNESS_BYTES)
		return REASON_LEARN_NOT_COMPARED;
	if (length > skb->len - offset)
		return REASON_LEARN_REWRITTEN_PAYLOAD;
	if (likely(witness_same(skb, offset, witness, length, packet->key.protocol)))
		return GO;
	return witness_difference(skb, offset, slot, packet->key.protocol, packet->headers);
}

#endif
