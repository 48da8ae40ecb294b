/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright the OnCache authors. */
/*
 * Learning: the CNI has let this packet pass in this direction. Entered only for
 * packets that carry the miss bit, so whatever happens here is off the hit path.
 */
#ifndef ONCACHE_LEARN_H
#define ONCACHE_LEARN_H

#include "cache.h"
#include "encapsulation.h"
#include "regions.h"
#include "witness.h"

static __always_inline bool excluded(struct oncache_flow_key *key)
{
	struct oncache_excluded_prefix peer = {.length = 32, .address = key->remote_ip};

	if (bpf_map_lookup_elem(&excluded_prefixes, &peer))
		return true;
	if (key->protocol == IPPROTO_ICMP)
		return false;
	return port_excluded(key->protocol, key->local_port) ||
	       port_excluded(key->protocol, key->remote_port);
}

/* Everything a direction's verdict is bound to, read before conntrack is asked. */
struct verdict {
	__u64 now;
	__u64 lease; /* deadline */
	__u32 epoch;
	__u32 endpoint_epoch;
	__u32 node_epoch;
	__u16 endpoint;
	__u16 node;	 /* INDEX_NONE on ingress: the outer header is gone */
	__u16 witness;	 /* what the packet was when it was handed over: see witness_take() */
	bool opening;	 /* a SYN's answer: whatever is cached belongs to an earlier life */
	bool other_macs; /* than the fast path would write: a bridge may translate them */
};

/* That a connection is over stays known until its ports begin a new life: see forget(). */
static __always_inline __u8 kept_closing(struct oncache_filter_entry *entry,
					 struct verdict *verdict)
{
	return entry && !verdict->opening && is_closed(entry->closing) ? entry->closing : 0;
}

/*
 * Remembers, until the epochs move on or the next sweep, that an established flow is not for
 * the fast path: its packets then need not be looked at again on their way out of the CNI's path.
 * Only what conntrack vouches for takes up room, or a pod could fill the cache.
 */
static __always_inline void record_excluded(struct oncache_flow_key *key, struct verdict *verdict,
					    enum oncache_reason reason)
{
	struct oncache_filter_entry *entry = bpf_map_lookup_elem(&filter_cache, key);
	struct oncache_filter_entry none = {
		.touched = verdict->now,
		.epoch = verdict->epoch,
		.endpoint_epoch = verdict->endpoint_epoch,
		.endpoint = verdict->endpoint,
		.closing = kept_closing(entry, verdict),
		.flags = ENTRY_EXCLUDED,
		.reason = reason,
	};

	entry_put(key, entry, &none);
}

/* An entry has been renewed. The handshake that it completes is told to its pair, once. */
static __always_inline int renewed(struct oncache_config *cfg, struct oncache_flow_key *key,
				   struct oncache_filter_entry *entry,
				   struct oncache_ingress_entry *endpoint, __u64 now)
{
	__u8 opened = entry->flags & (ENTRY_OPENED_EGRESS | ENTRY_OPENED_INGRESS);

	if (opened && entry->egress_lease && entry->ingress_lease) {
		entry->flags &= ~opened;
		if (READ_ONCE(endpoint->flags) & ENDPOINT_PORTLESS)
			record_pair(cfg, key, entry,
				    opened == ENTRY_OPENED_EGRESS ? EGRESS : INGRESS, now);
	}
	return REASON_LEARNED;
}

/*
 * Writes one direction of the entry. Each direction has its own deadline, so that two
 * CPUs learning both directions never overwrite each other's word. An entry of other
 * epochs, endpoint or node, or that was given without the CNI or is no verdict, is
 * replaced whole: its other direction is not to be trusted.
 */
static __always_inline int record(struct oncache_config *cfg, struct oncache_flow_key *key,
				  struct verdict *verdict, struct oncache_ingress_entry *endpoint,
				  enum oncache_direction direction)
{
	struct oncache_filter_entry *entry = bpf_map_lookup_elem(&filter_cache, key);
	struct oncache_filter_entry fresh = {};

	if (entry && !verdict->opening && !(entry->flags & (ENTRY_PORTLESS | ENTRY_EXCLUDED)) &&
	    entry->epoch == verdict->epoch && entry->endpoint == verdict->endpoint &&
	    entry->endpoint_epoch == verdict->endpoint_epoch) {
		if (direction == INGRESS) {
			WRITE_ONCE(entry->ingress_lease, verdict->lease);
			return renewed(cfg, key, entry, endpoint, verdict->now);
		}
		if (entry->node == INDEX_NONE) {
			entry->node = verdict->node;
			entry->node_epoch = verdict->node_epoch;
		}
		if (entry->node == verdict->node && entry->node_epoch == verdict->node_epoch) {
			barrier();
			WRITE_ONCE(entry->egress_lease, verdict->lease);
			return renewed(cfg, key, entry, endpoint, verdict->now);
		}
	}

	fresh.epoch = verdict->epoch;
	fresh.endpoint_epoch = verdict->endpoint_epoch;
	fresh.node_epoch = verdict->node_epoch;
	fresh.endpoint = verdict->endpoint;
	fresh.node = verdict->node;
	fresh.touched = verdict->now;
	fresh.closing = kept_closing(entry, verdict);
	/* The answer to a SYN goes against it. It may be sent again. */
	if (verdict->opening && entry && entry->flags & ENTRY_UNVOUCHED)
		fresh.flags = ENTRY_UNVOUCHED;
	else if (verdict->opening && !in_host_region(cfg, endpoint, key, REGION_SHORT_CONNECTIONS))
		fresh.flags = direction == EGRESS ? ENTRY_OPENED_INGRESS : ENTRY_OPENED_EGRESS;
	if (direction == EGRESS)
		fresh.egress_lease = verdict->lease;
	else
		fresh.ingress_lease = verdict->lease;
	return entry_put(key, entry, &fresh);
}

/* Is a connection open on these ports, as forget() has left it? No part of its caller, for the verifier's sake. */
static __noinline bool may_go_on(const struct oncache_flow_key *key)
{
	struct oncache_filter_entry *entry = bpf_map_lookup_elem(&filter_cache, key);

	return entry && is_open_portless(entry);
}

/*
 * A SYN teaches nothing, and what is cached belongs to an earlier life. But where its options were
 * rewritten, the MSS above all, its connection must not vouch for others: their SYNs would not be. That is
 * kept in the cache, but only for what could vouch, or pods could fill it with SYNs that nobody answers.
 * Of one that is as it was, it is noted when the CNI let it pass: see record_pair().
 */
static __always_inline int learn_syn(struct __sk_buff *skb, struct packet *packet, __u32 offset,
				     struct verdict *verdict,
				     struct oncache_ingress_entry *endpoint,
				     enum oncache_direction direction)
{
	struct oncache_flow_key *key = &packet->key;
	struct oncache_filter_entry unvouched = {
		.touched = now_coarse(),
		.endpoint_epoch = READ_ONCE(endpoint->epoch),
		.endpoint = verdict->endpoint,
		.flags = ENTRY_UNVOUCHED,
	};
	bool opening;
	int compared;

	if (may_go_on(key))
		return REASON_LEARN_NOT_ESTABLISHED;
	entry_drop_any(key);
	if (!(READ_ONCE(endpoint->flags) & ENDPOINT_PORTLESS) ||
	    bpf_map_lookup_elem(&endpoint_index, &key->remote_ip))
		return REASON_LEARN_NOT_ESTABLISHED;
	compared = witness_compare(skb, offset, packet, verdict->witness);
	if (compared == GO) {
		if (conntrack_begins(skb, key))
			note(&begun, key, unvouched.touched);
		return REASON_LEARN_NOT_ESTABLISHED;
	}
	/* A translated connection vouches for none, and arrives as another packet than it left. */
	if (compared == REASON_LEARN_NOT_COMPARED &&
	    conntrack_verdict(skb, packet, direction, &opening) == REASON_LEARN_NAT)
		return REASON_LEARN_NOT_ESTABLISHED;
	entry_put(key, NULL, &unvouched);
	return REASON_LEARN_NOT_ESTABLISHED;
}

/* The CNI lets the packet pass; does it do more to it? Then the flow needs its path. */
static __always_inline int learn_unchanged(struct __sk_buff *skb, struct packet *packet,
					   __u32 offset, struct verdict *verdict)
{
	int reason = witness_compare(skb, offset, packet, verdict->witness);

	if (reason == GO || reason == REASON_LEARN_NOT_COMPARED)
		return reason;
	if (packet->key.protocol == IPPROTO_ICMP || verdict->opening)
		entry_drop_any(&packet->key);
	else
		record_excluded(&packet->key, verdict, REASON_REWRITTEN);
	return reason;
}

/*
 * Is the connection over, with no entry left to say so? One that is made now, of what was lost before the
 * end and is sent again, would say that it is open. No part of its caller, for the verifier's sake.
 */
static __noinline bool over_and_forgotten(const struct oncache_flow_key *key)
{
	return key->protocol == IPPROTO_TCP && !bpf_map_lookup_elem(&filter_cache, key) &&
	       is_over(key, NULL, now_coarse());
}

/*
 * The order matters. The agent raises learn_after first and the epoch second; here the
 * epochs are read first and learn_after second. So a verdict is either bound to the old
 * epoch (and useless) or held back. Settings (lease, exclusions, what may be learned) are
 * stored before the epoch, too, and so read after it. model/coherence.pml proves both.
 */
static __always_inline int learn(struct __sk_buff *skb, struct oncache_config *cfg,
				 struct packet *packet, __u32 offset, struct verdict *verdict,
				 struct oncache_ingress_entry *endpoint,
				 enum oncache_direction direction)
{
	struct oncache_flow_key *key = &packet->key;
	bool ruled;
	__u64 life;
	int reason;

	if (is_syn(packet))
		return learn_syn(skb, packet, offset, verdict, endpoint, direction);
	if (over_and_forgotten(key))
		return REASON_LEARN_NOT_ESTABLISHED;
	verdict->now = now_coarse();
	verdict->epoch = READ_ONCE(cfg->epoch);
	verdict->endpoint_epoch = READ_ONCE(endpoint->epoch);
	barrier();
	if (verdict->now < READ_ONCE(endpoint->learn_after))
		return REASON_LEARN_HELD;
	life = READ_ONCE(cfg->lease);
	if (endpoint->mode == MODE_DISABLED ||
	    !(endpoint->protocols & cfg->protocols & packet->protocol_bit))
		return REASON_DISABLED;
	ruled = in_host_region(cfg, endpoint, key, REGION_FLOWS);
	if (ruled || excluded(key)) {
		if (key->protocol != IPPROTO_ICMP &&
		    conntrack_verdict(skb, packet, direction, &verdict->opening) == GO)
			record_excluded(key, verdict, ruled ? REASON_HOST_RULE : REASON_EXCLUDED);
		return ruled ? REASON_LEARN_HOST_RULE : REASON_LEARN_EXCLUDED;
	}
	if (bpf_map_lookup_elem(&endpoint_index, &key->remote_ip))
		return REASON_LEARN_LOCAL_PEER;
	if (verdict->other_macs)
		return REASON_GATEWAY_MAC;

	if (key->protocol == IPPROTO_ICMP) {
		reason = conntrack_verdict_icmp(skb, direction);
		if (life > cfg->touch_interval)
			life = cfg->touch_interval;
	} else {
		reason = conntrack_verdict(skb, packet, direction, &verdict->opening);
	}
	if (reason != GO) {
		/*
		 * The packet went the CNI's way, the witness does not support an entry:
		 * whatever stands under this key belongs to an earlier life of the ports
		 * (a translated flow must not meet the entry of a direct one).
		 */
		entry_drop_any(key);
		return reason;
	}
	reason = learn_unchanged(skb, packet, offset, verdict);
	if (reason != GO)
		return reason;
	verdict->lease = verdict->now + life;
	return record(cfg, key, verdict, endpoint, direction);
}

/* A connection's end that the fast path has carried is not undone by a packet that comes late. */
static __always_inline void keep_ended(struct __sk_buff *skb, struct oncache_config *cfg,
				       struct packet *packet)
{
	if (packet->key.protocol != IPPROTO_TCP || (packet->tcp_flags & TCP_SYN))
		return;
	if (is_over(&packet->key, bpf_map_lookup_elem(&filter_cache, &packet->key), now_coarse()))
		conntrack_end_again(skb, cfg, &packet->key);
}

/* A packet with the miss bit at the NIC's egress: the CNI has routed and encapsulated it. */
static __always_inline int learn_egress(struct __sk_buff *skb, struct oncache_config *cfg,
					__u16 witness)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 length = tunnel_header_length();
	struct oncache_ingress_entry *endpoint;
	struct oncache_egress_entry *node;
	struct verdict verdict = {.witness = witness};
	struct packet packet;
	__u32 *index;
	__be32 outer;
	int reason;

	if (!tunnel_candidate(data, end, cfg))
		return REASON_LEARN_NOT_TUNNEL;
	if (data + HEADER_MAX > end)
		return REASON_LENGTH;

	reason = parse_ipv4(data + length, end, skb->len - length, EGRESS, &packet);
	if (reason != GO)
		return reason;
	keep_ended(skb, cfg, &packet);
	outer = tunnel_destination(data);
	index = bpf_map_lookup_elem(&node_index, &outer);
	if (!index)
		return REASON_LEARN_UNKNOWN_NODE;
	verdict.node = *index;
	node = node_get(*index);
	if (!node)
		return REASON_LEARN_UNKNOWN_NODE;
	verdict.node_epoch = READ_ONCE(node->epoch);
	barrier();
	if (!node->ifindex || node->ifindex != skb->ifindex)
		return REASON_NODE_WITHDRAWN;
	if (!tunnel_equals_template(data, node, cfg))
		return REASON_LEARN_TEMPLATE;

	/* What is for the node itself, or its host-network pods, is none of ours. */
	if (packet.key.remote_ip == node->tunnel_ip)
		return REASON_LEARN_NODE_PEER;
	index = bpf_map_lookup_elem(&endpoint_index, &packet.key.local_ip);
	if (!index)
		return REASON_NOT_ENDPOINT;
	verdict.endpoint = *index;
	endpoint = endpoint_get(*index);
	if (!endpoint)
		return REASON_NOT_ENDPOINT;
	return learn(skb, cfg, &packet, length, &verdict, endpoint, EGRESS);
}

/* A packet with the miss bit on its way through the host-side veth into the pod. */
static __always_inline int learn_ingress(struct __sk_buff *skb, struct oncache_config *cfg,
					 __u16 witness)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct oncache_ingress_entry *endpoint;
	struct verdict verdict = {.witness = witness};
	struct ethhdr *ethernet = data;
	struct packet packet;
	__u32 *index;
	int reason;

	if (data + sizeof(*ethernet) > end || ethernet->h_proto != bpf_htons(ETH_P_IP))
		return REASON_NOT_IPV4;
	reason = parse_ipv4(data + sizeof(*ethernet), end, skb->len - sizeof(*ethernet), INGRESS,
			    &packet);
	if (reason != GO)
		return reason;
	keep_ended(skb, cfg, &packet);
	index = bpf_map_lookup_elem(&endpoint_index, &packet.key.local_ip);
	if (!index)
		return REASON_NOT_ENDPOINT;
	verdict.endpoint = *index;
	endpoint = endpoint_get(*index);
	if (!endpoint || endpoint->ifindex != skb->ifindex)
		return REASON_NOT_ENDPOINT;
	verdict.other_macs = !mac_equal(ethernet->h_dest, endpoint->pod_mac) ||
			     !mac_equal(ethernet->h_source, endpoint->gateway_mac);
	return learn(skb, cfg, &packet, sizeof(*ethernet), &verdict, endpoint, INGRESS);
}

#endif
