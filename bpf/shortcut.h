/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright the OnCache authors. */
/*
 * Short connections. Where the agent has proven that no policy asks a pod's packets for
 * their ports or their peer, a connection that the CNI let begin vouches for the next one
 * of the same pods to the same port: its SYN takes the fast path already. Should the proof
 * no longer hold, unheard, such a SYN still was accepted within the last lease. The verdict
 * on the pair lies in the filter cache under a key without protocol and the asking side's
 * port; the connection gets an entry of its own, as the answer to a translated connection
 * must never match a pair.
 */
#ifndef ONCACHE_SHORTCUT_H
#define ONCACHE_SHORTCUT_H

#include "conntrack.h"
#include "regions.h"

#define NSEC_PER_MSEC 1000000ULL
/* A verdict that ends sooner opens no connection: a handshake should not outlive it. */
#define PAIR_MARGIN (1000 * NSEC_PER_MSEC)
/*
 * SYNs without an answer per pair, or a pod could fill the cache with connections that
 * nobody accepts. More of them go to the CNI.
 */
#define PAIR_UNANSWERED 128
/* A SYN is answered, or sent again, within it. */
#define UNVOUCHED_KEPT (1000 * NSEC_PER_MSEC)
/* TCP sends a FIN again for about 100 s (tcp_orphan_retries), conntrack knows of an end for 120 s. */
#define OVER_KEPT (128000 * NSEC_PER_MSEC)

/* asked: where the SYN goes. */
static __always_inline void pair_key(struct oncache_flow_key *pair,
				     const struct oncache_flow_key *flow,
				     enum oncache_direction asked)
{
	__builtin_memset(pair, 0, sizeof(*pair));
	pair->local_ip = flow->local_ip;
	pair->remote_ip = flow->remote_ip;
	if (asked == EGRESS)
		pair->remote_port = flow->remote_port;
	else
		pair->local_port = flow->local_port;
}

/* Who may answer: the side that did not ask. */
static __always_inline __u8 asked_by_other(enum oncache_direction direction)
{
	return direction == EGRESS ? ENTRY_ASKED_INGRESS : ENTRY_ASKED_EGRESS;
}

/* The verdict that may cover a packet: its pair's for a SYN, else its flow's. */
static __always_inline struct oncache_filter_entry *entry_find(struct packet *packet,
							       enum oncache_direction direction)
{
	struct oncache_filter_entry *entry;
	struct oncache_flow_key pair;

	if (likely(!(packet->tcp_flags & TCP_SYN)))
		return bpf_map_lookup_elem(&filter_cache, &packet->key);
	if (is_syn(packet)) {
		pair_key(&pair, &packet->key, direction);
		return bpf_map_lookup_elem(&filter_cache, &pair);
	}
	if (!is_syn_ack(packet))
		return NULL;
	entry = bpf_map_lookup_elem(&filter_cache, &packet->key);
	if (!entry || !(entry->flags & asked_by_other(direction)) || is_closed(entry->closing))
		return NULL;
	return entry;
}

/*
 * A SYN under its pair's verdict, of which all has been checked that is checked of a hit:
 * the connection gets its entry. The epochs are the pair's, compared before the proof is
 * read here; the agent takes the proof back before it raises the epoch.
 */
static __always_inline int open_connection(struct __sk_buff *skb, struct oncache_config *cfg,
					   struct oncache_ingress_entry *endpoint,
					   struct oncache_filter_entry *pair, struct packet *packet,
					   __u64 now, enum oncache_direction direction)
{
	struct oncache_flow_key *key = &packet->key;
	struct oncache_filter_entry *former;
	struct oncache_filter_entry fresh = {
		.egress_lease = pair->egress_lease,
		.ingress_lease = pair->ingress_lease,
		.touched = now,
		.epoch = pair->epoch,
		.endpoint_epoch = pair->endpoint_epoch,
		.node_epoch = pair->node_epoch,
		.endpoint = pair->endpoint,
		.node = pair->node,
		.flags = ENTRY_PORTLESS |
			 (direction == EGRESS ? ENTRY_ASKED_EGRESS : ENTRY_ASKED_INGRESS),
	};

	barrier();
	if (!(READ_ONCE(endpoint->flags) & ENDPOINT_PORTLESS) ||
	    !(endpoint->protocols & cfg->protocols & PROTOCOL_TCP))
		return REASON_TCP_SYN;
	if (now + PAIR_MARGIN >= fresh.egress_lease || pair->unanswered >= PAIR_UNANSWERED)
		return REASON_TCP_SYN;
	if (port_excluded(key->protocol, key->local_port) ||
	    port_excluded(key->protocol, key->remote_port))
		return REASON_TCP_SYN;
	/* A rule may ask for the asking side's port, of which the pair knows nothing. */
	if (in_host_region(cfg, endpoint, key, REGION_FLOWS))
		return REASON_TCP_SYN;
	former = bpf_map_lookup_elem(&filter_cache, key);
	if (former) {
		/* On a connection that is open the CNI decides; asking again is no such case. */
		if (is_closed(former->closing)) {
			note(&reopened, key, now);
			conntrack_expire(skb, key);
		} else if (!(former->flags & ENTRY_PORTLESS) || (former->flags & ENTRY_ANSWERED)) {
			return REASON_TCP_SYN;
		}
	}
	if (entry_put(key, former, &fresh) != REASON_LEARNED)
		return REASON_TCP_SYN;
	note_clear(&over, key);
	__sync_fetch_and_add(&pair->unanswered, 1);
	return GO;
}

/*
 * Conntrack has not seen this connection begin, so there is nothing to keep alive. But
 * single packets of it may have gone the CNI's way and made an entry there, which must not
 * be left to vouch for a later connection. Called now and then, and when the handshake is
 * answered or the connection ends.
 */
static __always_inline void keep_portless(struct __sk_buff *skb, struct oncache_filter_entry *entry,
					  struct packet *packet, __u64 now,
					  enum oncache_direction direction)
{
	struct oncache_filter_entry *pair;
	struct oncache_flow_key key;

	if ((entry->flags & asked_by_other(direction)) && !(entry->flags & ENTRY_ANSWERED)) {
		entry->flags |= ENTRY_ANSWERED;
		pair_key(&key, &packet->key, direction == EGRESS ? INGRESS : EGRESS);
		pair = bpf_map_lookup_elem(&filter_cache, &key);
		if (pair)
			__sync_fetch_and_add(&pair->unanswered, -1);
	}
	if (packet->tcp_flags & (TCP_FIN | TCP_RST)) {
		if (!is_closed(entry->closing))
			return;
		conntrack_expire(skb, &packet->key);
		/* Long ago, so that the next packet comes here: the last acknowledgement. */
		entry->touched = 0;
		return;
	}
	if (!is_closed(entry->closing)) {
		entry->touched = now;
		return;
	}
	/* Should the acknowledgement be lost, the FIN comes again. */
	note(&over, &packet->key, now);
	entry_drop(&packet->key, entry);
}

/* Conntrack has not seen it begin, and it is not over. */
static __always_inline bool is_open_portless(struct oncache_filter_entry *entry)
{
	return (entry->flags & ENTRY_PORTLESS) && (entry->flags & ENTRY_ANSWERED) &&
	       !is_closed(entry->closing);
}

/* Is the connection over, as far as the fast path knows? */
static __always_inline bool is_over(const struct oncache_flow_key *key,
				    struct oncache_filter_entry *entry, __u64 now)
{
	__u64 age;

	if (entry)
		return is_closed(entry->closing);
	age = noted(&over, key, now);
	return age && age < OVER_KEPT;
}

/*
 * The CNI gets a FIN of a connection that its conntrack has never seen, and would drop it
 * as INVALID; any other segment is picked up in mid-stream. Without its FIN bit the segment
 * makes itself known there, and is judged. TCP sends the FIN again, as after a loss. Where conntrack
 * knows the connection by now, as after a flush, it will see it end, and the cache need not know it: of
 * the end that passes there it would never hear. offset: of the IPv4 header.
 */
static __always_inline void end_to_cni(struct __sk_buff *skb, struct packet *packet, __u32 offset,
				       __u64 now, enum oncache_direction direction)
{
	struct oncache_flow_key *key = &packet->key;
	struct oncache_filter_entry *entry = bpf_map_lookup_elem(&filter_cache, key);
	__be16 before, after;

	/* Gone is the entry of one that is over. */
	if (entry ? !(entry->flags & ENTRY_PORTLESS) : !is_over(key, entry, now))
		return;
	if (!is_senders_own(skb, key->local_ip, direction))
		return;
	if (conntrack_knows(skb, packet)) {
		if (entry && !is_closed(entry->closing))
			entry_drop(key, entry);
		return;
	}
	if ((packet->tcp_flags & (TCP_RST | TCP_ACK)) != TCP_ACK)
		return;
	offset += sizeof(struct iphdr) + offsetof(struct tcp_header, data_offset);
	if (bpf_skb_load_bytes(skb, offset, &before, sizeof(before)))
		return;
	after = before & ~bpf_htons(TCP_FIN);
	if (bpf_skb_store_bytes(skb, offset, &after, sizeof(after), 0))
		return;
	bpf_l4_csum_replace(skb,
			    offset + offsetof(struct tcp_header, checksum) -
				    offsetof(struct tcp_header, data_offset),
			    before, after, sizeof(after));
}

/*
 * The CNI has let a connection begin, in both directions, while no policy asks for ports or
 * peers. asked: where its SYN went. Never renewed by what is established already: a CNI may
 * spare that where it denies what is new. So the SYN alone was judged as new, and the lease
 * counts from it, however late its answer came.
 */
static __always_inline void record_pair(struct oncache_config *cfg, struct oncache_flow_key *key,
					struct oncache_filter_entry *entry,
					enum oncache_direction asked, __u64 now)
{
	__u64 age = noted(&begun, key, now), life = READ_ONCE(cfg->lease), lease;
	struct oncache_filter_entry fresh = {}, *pair;
	struct oncache_flow_key other;

	if (!age || age >= life)
		return;
	lease = entry->egress_lease < entry->ingress_lease ? entry->egress_lease
							   : entry->ingress_lease;
	if (lease > now + life - age)
		lease = now + life - age;
	pair_key(&other, key, asked);
	pair = bpf_map_lookup_elem(&filter_cache, &other);
	if (pair && pair->epoch == entry->epoch && pair->endpoint_epoch == entry->endpoint_epoch &&
	    pair->node_epoch == entry->node_epoch && pair->endpoint == entry->endpoint &&
	    pair->node == entry->node && lease < pair->egress_lease + PAIR_MARGIN)
		return;
	fresh.egress_lease = lease;
	fresh.ingress_lease = lease;
	fresh.touched = now;
	fresh.epoch = entry->epoch;
	fresh.endpoint_epoch = entry->endpoint_epoch;
	fresh.node_epoch = entry->node_epoch;
	fresh.endpoint = entry->endpoint;
	fresh.node = entry->node;
	entry_put(&other, pair, &fresh);
}

#endif
