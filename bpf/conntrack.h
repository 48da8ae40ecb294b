/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright the OnCache authors. */
/*
 * The node's conntrack is the witness: it says whether a flow is established, and it
 * is told that a flow on the fast path is alive or ending.
 */
#ifndef ONCACHE_CONNTRACK_H
#define ONCACHE_CONNTRACK_H

#include "notes.h"
#include "parse.h"
#include "share.h"

#define CURRENT_NETNS (-1)  /* BPF_F_CURRENT_NETNS of the lookup */
#define NFCT_POINTER (~7UL) /* sk_buff._nfct: the low bits are the ctinfo */

/*
 * A packet local -> remote finds both flows that local began and, as the reply tuple,
 * flows that remote began. TCP and UDP only: the kernel's lookup takes no other.
 */
static __always_inline struct nf_conn *conntrack_find(struct __sk_buff *skb, __be32 source,
						      __be32 destination, __be16 source_port,
						      __be16 destination_port, __u8 protocol)
{
	struct bpf_ct_opts___oncache options = {
		.netns_id = CURRENT_NETNS,
		.l4proto = protocol,
	};
	struct bpf_sock_tuple tuple = {
		.ipv4.saddr = source,
		.ipv4.daddr = destination,
		.ipv4.sport = source_port,
		.ipv4.dport = destination_port,
	};

	return bpf_skb_ct_lookup(skb, &tuple, sizeof(tuple.ipv4), &options, sizeof(options));
}

static __always_inline int conntrack_judge(unsigned long status, bool tcp, __u8 tcp_state)
{
	if (status & IPS_NAT_MASK)
		return REASON_LEARN_NAT;
	/* Such a flow opens others (FTP, SIP): the helper must see every packet of it. */
	if (status & (IPS_HELPER | IPS_SEQ_ADJUST))
		return REASON_LEARN_HELPER;
	if ((status & (IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_DYING)) !=
	    (IPS_CONFIRMED | IPS_SEEN_REPLY))
		return REASON_LEARN_NOT_ESTABLISHED;
	if (tcp && tcp_state != TCP_CONNTRACK_ESTABLISHED)
		return REASON_LEARN_NOT_ESTABLISHED;
	return GO;
}

/*
 * May this TCP or UDP flow be learned? Asked with the packet's reverse tuple: where
 * the packet was translated, only the reply side of the entry matches. opening: the packet
 * is the answer to a SYN, which is as far as the connection has come.
 */
static __always_inline int conntrack_verdict(struct __sk_buff *skb, struct packet *packet,
					     enum oncache_direction direction, bool *opening)
{
	struct oncache_flow_key *key = &packet->key;
	struct nf_conn *ct;
	__u8 tcp_state;
	int verdict;

	if (direction == EGRESS)
		ct = conntrack_find(skb, key->remote_ip, key->local_ip, key->remote_port,
				    key->local_port, key->protocol);
	else
		ct = conntrack_find(skb, key->local_ip, key->remote_ip, key->local_port,
				    key->remote_port, key->protocol);
	if (!ct)
		return REASON_LEARN_NO_CONNTRACK;
	tcp_state = ct->proto.tcp.state;
	*opening = tcp_state == TCP_CONNTRACK_SYN_RECV && is_syn_ack(packet);
	if (*opening)
		tcp_state = TCP_CONNTRACK_ESTABLISHED;
	verdict = conntrack_judge(ct->status, key->protocol == IPPROTO_TCP, tcp_state);
	bpf_ct_release(ct);
	return verdict;
}

/*
 * ICMP echo: the lookup refuses it, but on its way into the pod the packet still
 * carries its conntrack entry. There is nothing to carry on egress (the tunnel has
 * reset it), which costs no safety: both directions are needed, and this one vouches.
 */
static __always_inline int conntrack_verdict_icmp(struct __sk_buff *skb,
						  enum oncache_direction direction)
{
	struct sk_buff *kernel_skb;
	struct nf_conn *ct;
	unsigned long nfct;

	if (!load_options.have_skb_conntrack)
		return REASON_LEARN_NO_CONNTRACK;
	if (direction == EGRESS)
		return GO;
	kernel_skb = bpf_cast_to_kern_ctx(skb);
	nfct = kernel_skb->_nfct & NFCT_POINTER;
	if (!nfct)
		return REASON_LEARN_NO_CONNTRACK;
	ct = bpf_rdonly_cast((void *)nfct, bpf_core_type_id_kernel(struct nf_conn));
	return conntrack_judge(ct->status, false, 0);
}

/* The connection is over, as far as the packets tell. */
static __always_inline bool is_closed(__u8 closing)
{
	return (closing & CLOSING_RESET) || (closing & CLOSING_BOTH_FIN) == CLOSING_BOTH_FIN;
}

/*
 * Keeps the flow's conntrack entry alive, or lets it end soon: conntrack does not see
 * the packets that close a connection on the fast path, and must not hold it for days.
 * False when the entry is gone or says that the flow is over: the cached verdict must go
 * with it.
 */
static __always_inline bool conntrack_touch(struct __sk_buff *skb, struct oncache_config *cfg,
					    struct oncache_flow_key *key, __u8 closing)
{
	bool tcp = key->protocol == IPPROTO_TCP;
	struct nf_conn *ct;
	__u32 timeout;
	bool alive;

	ct = conntrack_find(skb, key->local_ip, key->remote_ip, key->local_port, key->remote_port,
			    key->protocol);
	if (!ct)
		return false;
	alive = conntrack_judge(ct->status, tcp, ct->proto.tcp.state) == GO;
	if (alive) {
		if (!tcp)
			timeout = cfg->timeout_udp_stream;
		else if (is_closed(closing))
			timeout = cfg->timeout_tcp_closed;
		else
			timeout = closing ? cfg->timeout_tcp_closing : cfg->timeout_tcp_established;
		alive = bpf_ct_change_timeout(ct, timeout) == 0;
	}
	bpf_ct_release(ct);
	return alive;
}

/*
 * Conntrack learns of the end from the agent, which sets the state that it would have come to by
 * itself. Where the queue is full, the short timeout of conntrack_touch is what is left. closing: no
 * end where an earlier one was none after all. Nothing else of this CPU can come in between: the
 * programs run with softirqs off.
 */
static __always_inline void tell_ended(struct oncache_flow_key *key, __u8 closing, __u64 now)
{
	__u32 cpu = bpf_get_smp_processor_id(), place;
	struct oncache_ended_queue *queue = bpf_map_lookup_elem(&ended_queues, &cpu);
	struct oncache_ended *record;
	__u64 written;

	if (!queue)
		return;
	written = queue->written;
	if (written - READ_ONCE(queue->taken) >= ENDED)
		return;
	place = cpu * ENDED + (written & (ENDED - 1));
	record = bpf_map_lookup_elem(&ended, &place);
	if (!record)
		return;
	record->key = *key;
	record->at = now;
	record->closing = closing;
	/* A full barrier: the record is whole before it counts. */
	__sync_lock_test_and_set(&queue->written, written + 1);
}

/*
 * Ports begin a new life whose old one ended on the fast path: conntrack may still hold that
 * one as established and would wave the new connection through, past a policy that may
 * have come since. Expired, it judges the SYN as what it is.
 */
static __always_inline void conntrack_expire(struct __sk_buff *skb, struct oncache_flow_key *key)
{
	struct nf_conn *ct = conntrack_find(skb, key->local_ip, key->remote_ip, key->local_port,
					    key->remote_port, key->protocol);

	if (!ct)
		return;
	/* Established, or what the agent has made of it. */
	if (conntrack_judge(ct->status, false, 0) == GO)
		bpf_ct_change_timeout(ct, 0);
	bpf_ct_release(ct);
}

/*
 * Does the CNI's conntrack know this connection, which began on the fast path? Not where it has seen a SYN
 * alone, that was lost before the one that took the fast path, or comes again late: to a conntrack that waits
 * for an answer, all that follows is INVALID, but a RST. Expired, it picks the connection up, as one that it
 * has never heard of.
 */
static __always_inline bool conntrack_knows(struct __sk_buff *skb, struct packet *packet)
{
	struct oncache_flow_key *key = &packet->key;
	struct nf_conn *ct = conntrack_find(skb, key->local_ip, key->remote_ip, key->local_port,
					    key->remote_port, key->protocol);
	bool known;

	if (!ct)
		return false;
	known = (ct->status & (IPS_CONFIRMED | IPS_DYING | IPS_NAT_MASK)) != IPS_CONFIRMED ||
		ct->proto.tcp.state != TCP_CONNTRACK_SYN_SENT || (packet->tcp_flags & TCP_RST);
	if (!known)
		bpf_ct_change_timeout(ct, 0);
	bpf_ct_release(ct);
	return known;
}

/*
 * The CNI's path has let a packet pass of a connection that is over: late, or sent again because its
 * answer was lost. Conntrack, from which the end was hidden, takes it for a sign of life.
 */
static __always_inline void conntrack_end_again(struct __sk_buff *skb, struct oncache_config *cfg,
						struct oncache_flow_key *key)
{
	struct nf_conn *ct = conntrack_find(skb, key->local_ip, key->remote_ip, key->local_port,
					    key->remote_port, key->protocol);

	if (!ct)
		return;
	if ((ct->status & (IPS_CONFIRMED | IPS_DYING | IPS_NAT_MASK)) == IPS_CONFIRMED &&
	    ct->proto.tcp.state == TCP_CONNTRACK_ESTABLISHED)
		bpf_ct_change_timeout(ct, cfg->timeout_tcp_closed);
	bpf_ct_release(ct);
}

/* Has the CNI just let this connection begin? Not where it has been answered: that passes as established. */
static __always_inline bool conntrack_begins(struct __sk_buff *skb, struct oncache_flow_key *key)
{
	struct nf_conn *ct = conntrack_find(skb, key->local_ip, key->remote_ip, key->local_port,
					    key->remote_port, key->protocol);
	bool begins;

	if (!ct)
		return false;
	begins = !(ct->status & IPS_SEEN_REPLY);
	bpf_ct_release(ct);
	return begins;
}

#endif
