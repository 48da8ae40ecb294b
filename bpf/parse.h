/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright the OnCache authors. */
/*
 * From an IPv4 header to a flow key. Whatever is not plainly a TCP, UDP or ICMP echo
 * packet of IPv4 without options gets the reason why the CNI must have it.
 */
#ifndef ONCACHE_PARSE_H
#define ONCACHE_PARSE_H

#include "maps.h"

/* No reason against the fast path. */
#define GO (-1)

#define IP_VERSION_AND_LENGTH 0x45 /* version 4, five words: no options */
#define IP_MORE_OR_OFFSET 0x3fff   /* MF and the fragment offset */
#define IP_OFFSET 0x1fff	   /* the fragment offset alone */
#define ECN_MASK 0x03
#define ECN_ECT_1 0x01
#define ECN_ECT_0 0x02
#define ECN_CE 0x03

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* RFC 9293 section 3.1; the kernel's struct has bit fields, a byte of flags is all we need. */
struct tcp_header {
	__be16 source;
	__be16 destination;
	__be32 sequence;
	__be32 acknowledgement;
	__u8 data_offset; /* high nibble, words */
	__u8 flags;
	__be16 window;
	__be16 checksum;
	__be16 urgent;
};
_Static_assert(sizeof(struct tcp_header) == 20, "RFC 9293");

/* RFC 792. */
#define ICMP_ECHO 8
#define ICMP_ECHO_REPLY 0

struct icmp_echo_header {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be16 identifier;
	__be16 sequence;
};
_Static_assert(sizeof(struct icmp_echo_header) == 8, "RFC 792");

struct packet {
	struct oncache_flow_key key;
	__u16 headers; /* IPv4 and transport header, bytes */
	__u8 protocol_bit;
	__u8 tcp_flags;
	__u8 tos;
};

/* Begins a connection; and the answer to that. */
static __always_inline bool is_syn(struct packet *packet)
{
	return (packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST)) == TCP_SYN;
}

static __always_inline bool is_syn_ack(struct packet *packet)
{
	return (packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST)) == (TCP_SYN | TCP_ACK);
}

/*
 * length: bytes of the IPv4 packet by the skb's account. Another total length means
 * padding, truncation or more than 64 KiB, which only the CNI handles.
 */
static __always_inline int parse_ipv4(struct iphdr *ip, void *end, __u32 length,
				      enum oncache_direction direction, struct packet *packet)
{
	struct oncache_flow_key *key = &packet->key;
	__be16 source, destination;

	if ((void *)(ip + 1) + sizeof(struct udphdr) > end)
		return REASON_LENGTH;
	if (*(__u8 *)ip != IP_VERSION_AND_LENGTH)
		return (*(__u8 *)ip >> 4) == 4 ? REASON_IP_OPTIONS : REASON_NOT_IPV4;
	if (ip->frag_off & bpf_htons(IP_MORE_OR_OFFSET))
		return REASON_FRAGMENT;
	if (ip->ttl < 2)
		return REASON_TTL;
	if (bpf_ntohs(ip->tot_len) != length)
		return REASON_LENGTH;

	packet->tos = ip->tos;
	packet->tcp_flags = TCP_ACK; /* of other protocols: an ordinary packet */
	if (ip->protocol == IPPROTO_TCP) {
		struct tcp_header *tcp = (void *)(ip + 1);

		if ((void *)(tcp + 1) > end)
			return REASON_LENGTH;
		source = tcp->source;
		destination = tcp->destination;
		packet->tcp_flags = tcp->flags;
		packet->headers = sizeof(*ip) + (tcp->data_offset >> 4) * 4;
		packet->protocol_bit = PROTOCOL_TCP;
	} else if (ip->protocol == IPPROTO_UDP) {
		struct udphdr *udp = (void *)(ip + 1);

		source = udp->source;
		destination = udp->dest;
		packet->headers = sizeof(*ip) + sizeof(*udp);
		packet->protocol_bit = PROTOCOL_UDP;
	} else if (ip->protocol == IPPROTO_ICMP) {
		struct icmp_echo_header *icmp = (void *)(ip + 1);
		bool asked_by_remote;

		if ((icmp->type != ICMP_ECHO && icmp->type != ICMP_ECHO_REPLY) || icmp->code)
			return REASON_PROTOCOL;
		/* Who asks is part of the flow: a policy may allow one way only. */
		asked_by_remote = (icmp->type == ICMP_ECHO) == (direction == INGRESS);
		if (direction == EGRESS) {
			source = icmp->identifier;
			destination = bpf_htons(asked_by_remote);
		} else {
			destination = icmp->identifier;
			source = bpf_htons(asked_by_remote);
		}
		packet->headers = sizeof(*ip) + sizeof(*icmp);
		packet->protocol_bit = PROTOCOL_ICMP;
	} else {
		return REASON_PROTOCOL;
	}

	if (direction == EGRESS) {
		key->local_ip = ip->saddr;
		key->remote_ip = ip->daddr;
		key->local_port = source;
		key->remote_port = destination;
	} else {
		key->local_ip = ip->daddr;
		key->remote_ip = ip->saddr;
		key->local_port = destination;
		key->remote_port = source;
	}
	key->protocol = ip->protocol;
	key->pad[0] = key->pad[1] = key->pad[2] = 0;
	return GO;
}

/* RFC 1624: the checksum after the TTL went down by one, as the CNI's forwarding does. */
static __always_inline void decrement_ttl(struct iphdr *ip)
{
	__u32 checksum = ip->check + bpf_htons(0x0100);

	ip->check = checksum + (checksum >= 0xffff);
	ip->ttl--;
}

#endif
