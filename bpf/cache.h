/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright the OnCache authors. */
/*
 * When a cached verdict may be used. A packet takes the fast path only under an entry
 * that the CNI confirmed in both directions, of the current epochs, within its lease,
 * with a living conntrack entry behind it.
 */
#ifndef ONCACHE_CACHE_H
#define ONCACHE_CACHE_H

#include "shortcut.h"

/* Coarse: one tick (at most 10 ms) late, a third of the price of the precise clock. */
static __always_inline __u64 now_coarse(void)
{
	return bpf_ktime_get_coarse_ns();
}

/*
 * A hit keeps conntrack truthful: now and then it refreshes the node's entry, at once
 * when the connection begins to end (or, opened without it, is answered). Returns why the packet must go to the CNI after all.
 */
static __always_inline int keep_conntrack(struct __sk_buff *skb, struct oncache_config *cfg,
					  struct oncache_filter_entry *entry, struct packet *packet,
					  __u64 now, enum oncache_direction direction)
{
	__u8 reset = direction == EGRESS ? CLOSING_EGRESS_RESET : CLOSING_INGRESS_RESET;
	bool was_closed, alive;

	if (likely((packet->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) == TCP_ACK &&
		   now - entry->touched < cfg->touch_interval))
		return GO;
	/* No segment of a connection, but a probe: rules of the host may know it by its flags. */
	if (!(packet->tcp_flags & (TCP_ACK | TCP_RST)))
		return REASON_TCP_FLAGS;
	if (packet->key.protocol == IPPROTO_ICMP)
		return GO; /* its lease is one touch interval: the CNI itself refreshes */
	was_closed = is_closed(entry->closing);
	if (packet->tcp_flags & TCP_FIN)
		entry->closing |= direction == EGRESS ? CLOSING_EGRESS_FIN : CLOSING_INGRESS_FIN;
	/*
	 * Who resets a connection says no more on it. If he does, the RST was forged or out of
	 * window, and the other side has taken it for nothing: the connection goes on.
	 */
	if (packet->tcp_flags & TCP_RST)
		entry->closing |= reset;
	else
		entry->closing &= ~reset;
	if (entry->flags & ENTRY_PORTLESS) {
		keep_portless(skb, entry, packet, now, direction);
		return GO;
	}
	/* The next packet shortens conntrack's timeout; most often it is the FIN that answers this one. */
	if ((packet->tcp_flags & (TCP_FIN | TCP_RST)) == TCP_FIN && !is_closed(entry->closing) &&
	    !was_closed && now - entry->touched < cfg->touch_interval) {
		entry->touched = now - cfg->touch_interval;
		return GO;
	}
	/* The packet after a RST comes here, too. */
	entry->touched = entry->closing & CLOSING_RESET ? now - cfg->touch_interval : now;
	/* One that did not end after all is kept for no longer than one that is ending. */
	alive = conntrack_touch(skb, cfg, &packet->key,
				was_closed ? entry->closing | CLOSING_EGRESS_FIN : entry->closing);
	if (was_closed != is_closed(entry->closing) && (alive || was_closed))
		tell_ended(&packet->key, entry->closing, now);
	if (alive)
		return GO;
	entry_drop(&packet->key, entry);
	return REASON_CONNTRACK_GONE;
}

/*
 * A SYN begins a new life of its ports: no verdict of the old one may cover it, neither
 * ours nor one that conntrack gives because we hid the end of the connection from it. Where
 * a connection is open of which conntrack knows nothing, the SYN may be late, or forged: to
 * conntrack it begins one, and what the open one sends would be INVALID. Its entry stays,
 * void: for slow_reason() to see to that, until the SYN is answered.
 */
static __always_inline void forget(struct __sk_buff *skb, struct oncache_flow_key *key,
				   bool is_answer)
{
	struct oncache_filter_entry *entry = bpf_map_lookup_elem(&filter_cache, key);

	if (!is_answer)
		note_clear(&over, key);
	if (!entry)
		return;
	/* What was noted of the SYN is for its answer: see record(). */
	if (is_answer && (entry->flags & ENTRY_UNVOUCHED))
		return;
	if (!is_answer && is_open_portless(entry)) {
		WRITE_ONCE(entry->egress_lease, 0);
		WRITE_ONCE(entry->ingress_lease, 0);
		return;
	}
	if (is_closed(entry->closing)) {
		note(&reopened, key, now_coarse());
		conntrack_expire(skb, key);
	}
	entry_drop(key, entry);
}

/*
 * A packet that is not plain may begin a connection too: a SYN with IP options, in a
 * fragment, with a TTL of 1. Where it has ports, and the connection on them is over, that
 * one is forgotten as by a SYN. Only for packets that go to the CNI: it reads by helper.
 */
static __always_inline void forget_closed(struct __sk_buff *skb, __u32 offset,
					  enum oncache_direction direction)
{
	struct oncache_filter_entry *entry;
	struct oncache_flow_key key = {};
	struct iphdr ip;
	__be16 ports[2];

	if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) || ip.protocol != IPPROTO_TCP ||
	    (ip.frag_off & bpf_htons(IP_OFFSET)))
		return;
	if (bpf_skb_load_bytes(skb, offset + (*(__u8 *)&ip & 0x0f) * 4, ports, sizeof(ports)))
		return;
	key.protocol = ip.protocol;
	key.local_ip = direction == EGRESS ? ip.saddr : ip.daddr;
	key.remote_ip = direction == EGRESS ? ip.daddr : ip.saddr;
	key.local_port = ports[direction == EGRESS ? 0 : 1];
	key.remote_port = ports[direction == EGRESS ? 1 : 0];
	entry = bpf_map_lookup_elem(&filter_cache, &key);
	if (!entry || !is_closed(entry->closing) || !is_senders_own(skb, key.local_ip, direction))
		return;
	forget(skb, &key, false);
}

/* An earlier packet of the flow was found to be none for the fast path, by settings that are still in force. */
static __always_inline bool known_excluded(struct oncache_filter_entry *entry,
					   struct oncache_config *cfg,
					   struct oncache_ingress_entry *endpoint)
{
	return unlikely(entry->flags & ENTRY_EXCLUDED) && entry->epoch == READ_ONCE(cfg->epoch) &&
	       entry->endpoint_epoch == READ_ONCE(endpoint->epoch);
}

/*
 * Does the entry cover this direction now? own and other: the deadlines of the packet's
 * direction and of the opposite one, which must have been seen under the same epochs
 * but refreshes in its own time (a stream may go one way for long).
 */
static __always_inline int entry_verdict(struct oncache_filter_entry *entry,
					 struct oncache_config *cfg,
					 struct oncache_ingress_entry *endpoint,
					 struct oncache_egress_entry *node, __u64 own, __u64 other,
					 __u64 now)
{
	if (unlikely(entry->epoch != READ_ONCE(cfg->epoch) ||
		     entry->endpoint_epoch != READ_ONCE(endpoint->epoch) ||
		     entry->node_epoch != READ_ONCE(node->epoch)))
		return REASON_STALE;
	if (unlikely(now >= own))
		return own ? REASON_LEASE : REASON_NO_ENTRY;
	if (unlikely(!other))
		return REASON_ONE_WAY;
	if (unlikely(!node->ifindex))
		return REASON_NODE_WITHDRAWN;
	return GO;
}

/* Reasons that the CNI's answer to this very packet can cure: it is marked for learning. */
static __always_inline bool learnable(int reason)
{
	return reason == REASON_NO_ENTRY || reason == REASON_STALE || reason == REASON_LEASE ||
	       reason == REASON_CONNTRACK_GONE || reason == REASON_TCP_SYN;
}

#endif
