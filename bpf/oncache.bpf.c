// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright the OnCache authors.
/*
 * ONCache's four programs (NSDI'25), as filters of tc: on a hit a packet skips the
 * CNI's path, on anything else it gets NEXT and the CNI sees it as it came.
 * docs/datapath.md draws the walk.
 */
#include "learn.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * Hands the packet to the CNI. Only what could be learned gets the miss bit: a packet
 * of an endpoint of ours, with its own address, of a selected protocol; and what comes after
 * the end of a connection, of which nothing is learned but that conntrack has to be told again
 * (keep_ended). offset: of its IPv4 header. entry: that of its flow, where there is one.
 */
static __always_inline int hand_over(struct __sk_buff *skb, struct oncache_config *cfg,
				     struct packet *packet, __u32 offset,
				     struct oncache_filter_entry *entry, int reason,
				     enum oncache_direction direction)
{
	struct oncache_ingress_entry *endpoint;
	bool may_be_learned = false, is_noted = false;
	__u64 turn;
	__u32 *index;

	if (!learnable(reason)) {
		count(reason, direction);
		if (entry && is_closed(entry->closing))
			skb->mark |= cfg->mark;
		return NEXT;
	}
	index = bpf_map_lookup_elem(&endpoint_index, &packet->key.local_ip);
	endpoint = index ? endpoint_get(*index) : NULL;
	if (!endpoint || !endpoint->ifindex) {
		reason = direction == EGRESS ? REASON_SOURCE_ADDRESS : REASON_NOT_ENDPOINT;
	} else if (direction == EGRESS && endpoint->ifindex != skb->ifindex) {
		reason = REASON_SOURCE_ADDRESS;
	} else {
		if (reason == REASON_TCP_SYN)
			forget(skb, &packet->key, is_syn_ack(packet));
		if (endpoint->mode == MODE_DISABLED ||
		    !(endpoint->protocols & cfg->protocols & packet->protocol_bit)) {
			reason = REASON_DISABLED;
		} else if (direction == EGRESS && reason != REASON_TCP_SYN &&
			   bpf_map_lookup_elem(&endpoint_index, &packet->key.remote_ip)) {
			/* No tunnel between pods of one node, and nothing to learn. */
			reason = REASON_LEARN_LOCAL_PEER;
		} else {
			may_be_learned = true;
			/* Of a SYN it is asked whether it may vouch for others. */
			is_noted = !is_syn(packet) || (endpoint->flags & ENDPOINT_PORTLESS);
		}
	}
	turn = count(reason, direction);
	if (may_be_learned) {
		skb->mark |= cfg->mark;
		if (is_noted)
			witness_note(skb, offset, turn);
	}
	return NEXT;
}

/*
 * Why a packet that was understood goes to the CNI. A SYN makes the cache forget, whatever
 * else speaks against the fast path; of a short connection that is open, conntrack must not go on to
 * wait for the answer to a SYN that was lost. offset: of the IPv4 header. entry: as in hand_over().
 */
static __always_inline int slow_reason(struct __sk_buff *skb, struct packet *packet, __u32 offset,
				       struct oncache_filter_entry *entry, int reason, __u64 now,
				       enum oncache_direction direction)
{
	if (packet->tcp_flags & TCP_SYN)
		return REASON_TCP_SYN;
	if (packet->tcp_flags & (TCP_FIN | TCP_RST))
		end_to_cni(skb, packet, offset, now, direction);
	else if (entry && is_open_portless(entry) &&
		 is_senders_own(skb, packet->key.local_ip, direction))
		conntrack_knows(skb, packet);
	return reason;
}

/* Larger than the path takes? A GSO packet is judged by its segments. */
static __always_inline bool too_large(struct __sk_buff *skb, struct packet *packet, __u32 length,
				      __u32 mtu)
{
	if (likely(length <= mtu))
		return false;
	return !skb->gso_size || packet->headers + skb->gso_size > mtu;
}

/* Packets on the wire that this skb stands for. */
static __always_inline __u32 segments_of(struct __sk_buff *skb, struct packet *packet, __u32 length)
{
	__u32 size = skb->gso_size;

	return likely(!size) ? 1 : (length - packet->headers + size - 1) / size;
}

/* skb->priority as the kernel's forwarding sets it from the TOS bits (RFC 1349). */
static __always_inline __u32 priority_of(__u8 tos)
{
	return (0x4444666622220000ULL >> ((tos & 0x1e) * 2)) & 7;
}

/* Host-side veth, ingress: packets leaving a pod. */
SEC("tc")
int oncache_pod_egress(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct oncache_endpoint_counters *counters;
	struct oncache_config *cfg = config_get();
	struct oncache_ingress_entry *endpoint;
	struct oncache_filter_entry *entry = NULL;
	struct oncache_egress_entry *node;
	struct ethhdr *ethernet = data;
	__u32 index, length;
	struct packet packet;
	__u64 now;
	int reason;

	if (!cfg)
		return NEXT;
	/* A VLAN tag lies beside the packet, not in it. */
	if (data + sizeof(*ethernet) > end || ethernet->h_proto != bpf_htons(ETH_P_IP) ||
	    skb->vlan_present) {
		count(REASON_NOT_IPV4, EGRESS);
		return NEXT;
	}
	length = skb->len - sizeof(*ethernet);
	reason = parse_ipv4(data + sizeof(*ethernet), end, length, EGRESS, &packet);
	if (reason != GO) {
		forget_closed(skb, sizeof(*ethernet), EGRESS);
		goto odd;
	}
	now = now_coarse();
	entry = entry_find(&packet, EGRESS);
	reason = REASON_AGENT_SILENT;
	if (now >= READ_ONCE(cfg->heartbeat_deadline))
		goto slow;

	reason = REASON_NO_ENTRY;
	if (!entry)
		goto slow;
	index = entry->endpoint;
	endpoint = endpoint_get(index);
	counters = bpf_map_lookup_elem(&endpoint_counters, &index);
	node = node_get(entry->node);
	if (!endpoint || !counters || !node)
		goto slow;
	reason = entry_verdict(entry, cfg, endpoint, node, READ_ONCE(entry->egress_lease),
			       READ_ONCE(entry->ingress_lease), now);
	if (reason != GO) {
		if (known_excluded(entry, cfg, endpoint))
			reason = entry->reason;
		goto slow;
	}
	reason = REASON_SOURCE_ADDRESS;
	if (endpoint->ip != packet.key.local_ip || endpoint->ifindex != skb->ifindex)
		goto slow;
	reason = REASON_GATEWAY_MAC;
	if (!mac_equal(ethernet->h_dest, endpoint->gateway_mac))
		goto slow;
	reason = REASON_CONGESTION;
	if ((packet.tos & ECN_MASK) == ECN_CE)
		goto slow;
	reason = REASON_MTU;
	if (too_large(skb, &packet, length, node->mtu))
		goto slow;
	reason = REASON_SHAPED;
	if (endpoint->flags & ENDPOINT_EGRESS_SHAPED)
		goto slow;
	reason = REASON_OBSERVED;
	if (endpoint->mode != MODE_ACCELERATE)
		goto slow;
	if (unlikely(is_syn(&packet)))
		reason = open_connection(skb, cfg, endpoint, entry, &packet, now, EGRESS);
	else
		reason = keep_conntrack(skb, cfg, entry, &packet, now, EGRESS);
	if (reason != GO)
		goto slow;

	/* A fresh IP id for each segment on the wire; the counter is this CPU's own. */
	reason = tunnel_push(skb, node, cfg, &packet, counters->egress_packets);
	if (reason != GO)
		goto slow;
	counters->egress_packets += segments_of(skb, &packet, length);
	counters->egress_bytes += length + sizeof(*ethernet);
	skb->priority = priority_of(packet.tos);
	return bpf_redirect(node->ifindex, 0);

slow:
	reason = slow_reason(skb, &packet, sizeof(*ethernet), entry, reason, now, EGRESS);
odd:
	return hand_over(skb, cfg, &packet, sizeof(*ethernet), entry, reason, EGRESS);
}

/* NIC, egress: the CNI's own packets, of which those with the miss bit are learned. */
SEC("tc")
int oncache_node_egress_learn(struct __sk_buff *skb)
{
	struct oncache_config *cfg = config_get();
	__u16 witness;

	if (!cfg || !(skb->mark & cfg->mark))
		return NEXT;
	skb->mark &= ~cfg->mark;
	witness = witness_take(skb);
	count(learn_egress(skb, cfg, witness), EGRESS);
	return NEXT;
}

/* NIC, ingress: packets of the tunnel on their way to a pod. */
SEC("tc")
int oncache_node_ingress(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 header = tunnel_header_length(), index, length;
	struct oncache_endpoint_counters *counters;
	struct oncache_config *cfg = config_get();
	struct oncache_ingress_entry *endpoint;
	struct oncache_filter_entry *entry = NULL;
	struct oncache_egress_entry *node;
	struct ethhdr *ethernet;
	struct packet packet;
	__u64 now;
	int reason;

	/* For another station, seen in promiscuous mode; for a VLAN device on top of this one. */
	if (!cfg || skb->pkt_type != PACKET_HOST || skb->vlan_present ||
	    !tunnel_candidate(data, end, cfg))
		return NEXT;
	/* Some drivers leave only the first bytes linear. */
	if (data + HEADER_MAX + sizeof(struct iphdr) + sizeof(struct tcp_header) > end) {
		length = header + sizeof(struct iphdr) + sizeof(struct tcp_header);
		if (length > skb->len)
			length = skb->len;
		bpf_skb_pull_data(skb, length);
		data = (void *)(long)skb->data;
		end = (void *)(long)skb->data_end;
	}
	reason = REASON_LENGTH;
	if (data + HEADER_MAX > end)
		goto odd;
	reason = tunnel_check(data, cfg);
	if (reason != GO)
		goto odd;
	length = skb->len - header;
	reason = parse_ipv4(data + header, end, length, INGRESS, &packet);
	if (reason != GO) {
		forget_closed(skb, header, INGRESS);
		goto odd;
	}
	now = now_coarse();
	entry = entry_find(&packet, INGRESS);
	reason = REASON_CONGESTION;
	if (tunnel_congestion(data, packet.tos))
		goto slow;
	reason = REASON_AGENT_SILENT;
	if (now >= READ_ONCE(cfg->heartbeat_deadline))
		goto slow;

	reason = REASON_NO_ENTRY;
	if (!entry)
		goto slow;
	index = entry->endpoint;
	endpoint = endpoint_get(index);
	counters = bpf_map_lookup_elem(&endpoint_counters, &index);
	node = node_get(entry->node);
	if (!endpoint || !counters || !node)
		goto slow;
	reason = entry_verdict(entry, cfg, endpoint, node, READ_ONCE(entry->ingress_lease),
			       READ_ONCE(entry->egress_lease), now);
	if (reason != GO) {
		if (known_excluded(entry, cfg, endpoint))
			reason = entry->reason;
		goto slow;
	}
	reason = REASON_OUTER_SOURCE;
	if (node->node_ip != tunnel_source(data))
		goto slow;
	reason = REASON_NOT_ENDPOINT;
	if (endpoint->ip != packet.key.local_ip || !endpoint->ifindex)
		goto slow;
	reason = REASON_MTU;
	if (too_large(skb, &packet, length, endpoint->mtu))
		goto slow;
	reason = REASON_SHAPED;
	if (endpoint->flags & ENDPOINT_INGRESS_SHAPED)
		goto slow;
	reason = REASON_OBSERVED;
	if (endpoint->mode != MODE_ACCELERATE)
		goto slow;
	if (unlikely(is_syn(&packet)))
		reason = open_connection(skb, cfg, endpoint, entry, &packet, now, INGRESS);
	else
		reason = keep_conntrack(skb, cfg, entry, &packet, now, INGRESS);
	if (reason != GO)
		goto slow;

	reason = tunnel_pop(skb);
	if (reason != GO)
		goto slow;
	data = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	ethernet = data;
	if (data + sizeof(*ethernet) + sizeof(struct iphdr) > end)
		return TC_ACT_SHOT; /* for the verifier: the header was there before */
	mac_copy(ethernet->h_dest, endpoint->pod_mac);
	mac_copy(ethernet->h_source, endpoint->gateway_mac);
	decrement_ttl(data + sizeof(*ethernet));
	counters->ingress_packets += segments_of(skb, &packet, length);
	counters->ingress_bytes += length + sizeof(*ethernet);
	return bpf_redirect_peer(endpoint->ifindex, 0);

slow:
	reason = slow_reason(skb, &packet, header, entry, reason, now, INGRESS);
odd:
	return hand_over(skb, cfg, &packet, header, entry, reason, INGRESS);
}

/* Host-side veth, egress: the CNI's packets into a pod, of which misses are learned. */
SEC("tc")
int oncache_pod_ingress_learn(struct __sk_buff *skb)
{
	struct oncache_config *cfg = config_get();
	__u16 witness;

	if (!cfg || !(skb->mark & cfg->mark))
		return NEXT;
	skb->mark &= ~cfg->mark;
	witness = witness_take(skb);
	count(learn_ingress(skb, cfg, witness), INGRESS);
	return NEXT;
}

struct sweep_context {
	struct oncache_config *cfg;
	struct oncache_sweep *result;
	__u64 now;
};

/* May the memory of this entry be freed? owned: by the pod that has its endpoint's place now. */
static __always_inline bool sweep_frees(struct oncache_filter_entry *entry, bool owned, bool stale,
					struct sweep_context *context)
{
	__u64 age = context->now - entry->touched;

	/* For the SYN's answer, which is on its way. */
	if ((entry->flags & ENTRY_UNVOUCHED) && age < UNVOUCHED_KEPT)
		return false;
	/* While conntrack still holds the connection, a SYN must find out that it is over. */
	if (is_closed(entry->closing) && age < 2 * NSEC_PER_MSEC * context->cfg->timeout_tcp_closed)
		return false;
	/*
	 * Opened without conntrack: the CNI could make nothing of its FIN (end_to_cni). Kept for as
	 * long as conntrack keeps one that is idle; its end may never come.
	 */
	if (owned && (entry->flags & ENTRY_ANSWERED) && !is_closed(entry->closing) &&
	    age < NSEC_PER_MSEC * context->cfg->timeout_tcp_established)
		return false;
	return stale;
}

static long sweep_entry(void *map, struct oncache_flow_key *key, struct oncache_filter_entry *entry,
			struct sweep_context *context)
{
	struct oncache_ingress_entry *endpoint = endpoint_get(entry->endpoint);
	struct oncache_held *all = held_get(INDEX_NONE), *own = held_get(entry->endpoint);
	/* Flushed or not; of a pod that had this place before, it is nobody's. */
	bool owned = endpoint && endpoint->ifindex &&
		     (__s32)(entry->endpoint_epoch - endpoint->since) >= 0;
	bool stale = !owned || entry->endpoint_epoch != endpoint->epoch ||
		     entry->epoch != context->cfg->epoch ||
		     (context->now >= entry->egress_lease && context->now >= entry->ingress_lease);

	if (sweep_frees(entry, owned, stale, context)) {
		bpf_map_delete_elem(map, key);
		context->result->purged++;
		return 0;
	}
	if (!stale && !is_closed(entry->closing))
		context->result->live++;
	if (all)
		all->counted++;
	if (own && own != all && owned)
		own->counted++;
	return 0;
}

/* Run by the agent, off the packet path: frees what is stale and counts what is not. */
SEC("syscall")
int oncache_sweep(void *unused)
{
	struct sweep_context context = {.now = bpf_ktime_get_ns()};
	__u32 zero = 0;

	context.cfg = config_get();
	context.result = bpf_map_lookup_elem(&sweep, &zero);
	if (!context.cfg || !context.result)
		return 1;
	context.result->live = 0;
	context.result->purged = 0;
	bpf_for_each_map_elem(&filter_cache, sweep_entry, &context, 0);
	return 0;
}
