/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright the OnCache authors. */
/*
 * The maps, all owned and sized by the agent before load. On the hit path: one hash
 * lookup (filter cache), then array reads.
 */
#ifndef ONCACHE_MAPS_H
#define ONCACHE_MAPS_H

#include "kernel.h"
#include "layouts.h"
#include "reasons.h"

/* First in .rodata: the agent writes it there. */
const volatile struct oncache_load_options load_options = {};

/*
 * Enumerations whose constants alone are used leave no type information. Naming them here
 * lets a test compare them with the agent's.
 */
const volatile struct {
	enum oncache_layout layout;
	enum oncache_mode mode;
	enum oncache_protocol_bit protocol;
	enum oncache_endpoint_flag flag;
	enum oncache_closing closing;
	enum oncache_entry_flag entry;
	enum oncache_region_scope scope;
} enumerations = {};

struct config_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct oncache_config);
} config SEC(".maps");

/*
 * Read by no program. When a map of maps is written, the kernel returns only after all programs have
 * ended that ran before (an RCU grace period): the agent writes it to wait for them.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct config_map);
} grace SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct oncache_flow_key);
	__type(value, struct oncache_filter_entry);
} filter_cache SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 5001);
	__type(key, __u32);
	__type(value, struct oncache_egress_entry);
} egress_cache SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 257);
	__type(key, __u32);
	__type(value, struct oncache_ingress_entry);
} ingress_cache SEC(".maps");

/* Learning only: which index has this address? */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 5001);
	__type(key, __be32);
	__type(value, __u32);
} node_index SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 257);
	__type(key, __be32);
	__type(value, __u32);
} endpoint_index SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct oncache_excluded_prefix);
	__type(value, __u32);
} excluded_prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct oncache_excluded_port);
	__type(value, __u32);
} excluded_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 257);
	__type(key, __u32);
	__type(value, struct oncache_endpoint_counters);
} endpoint_counters SEC(".maps");

/* By endpoint, INDEX_NONE: all together. See bpf/share.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 257);
	__type(key, __u32);
	__type(value, struct oncache_held);
} held SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASON_COUNT);
	__type(key, enum oncache_reason);
	__type(value, struct oncache_reason_counters);
} reasons SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WITNESSES);
	__type(key, __u32);
	__type(value, struct oncache_witness);
} witnesses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, HOST_REGIONS);
	__type(key, __u32);
	__type(value, struct oncache_host_region);
} host_regions SEC(".maps");

/*
 * Connections that ended on the fast path, a queue for each CPU: no lock, and one CPU's end waits for
 * no other's. Read by the agent a few times a second. Sized by the agent: one of the first, ENDED
 * of the second for each possible CPU.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct oncache_ended_queue);
} ended_queues SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ENDED);
	__type(key, __u32);
	__type(value, struct oncache_ended);
} ended SEC(".maps");

/*
 * Notes of connections, by a hash of the key: when the ports of one that ended on the fast path began a
 * new life; when the CNI let one begin; when one that it has not seen begin was over.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, NOTES);
	__type(key, __u32);
	__type(value, __u64);
} reopened SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NOTES);
	__type(key, __u32);
	__type(value, __u64);
} begun SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NOTES);
	__type(key, __u32);
	__type(value, __u64);
} over SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct oncache_sweep);
} sweep SEC(".maps");

enum oncache_direction {
	EGRESS,
	INGRESS,
};

static __always_inline struct oncache_config *config_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&config, &zero);
}

static __always_inline struct oncache_egress_entry *node_get(__u32 index)
{
	return bpf_map_lookup_elem(&egress_cache, &index);
}

static __always_inline struct oncache_ingress_entry *endpoint_get(__u32 index)
{
	return bpf_map_lookup_elem(&ingress_cache, &index);
}

/* A pod cannot end what belongs to another. From the tunnel, the CNI of the other node vouches for the address. */
static __always_inline bool is_senders_own(struct __sk_buff *skb, __be32 local_ip,
					   enum oncache_direction direction)
{
	struct oncache_ingress_entry *endpoint;
	__u32 *index;

	if (direction == INGRESS)
		return true;
	index = bpf_map_lookup_elem(&endpoint_index, &local_ip);
	endpoint = index ? endpoint_get(*index) : NULL;
	return endpoint && endpoint->ifindex == skb->ifindex;
}

static __always_inline bool port_excluded(__u8 protocol, __be16 port)
{
	struct oncache_excluded_port key = {.protocol = protocol, .port = port};

	return bpf_map_lookup_elem(&excluded_ports, &key);
}

/* Returns what this CPU has counted of it before. */
static __always_inline __u64 count(enum oncache_reason reason, enum oncache_direction direction)
{
	struct oncache_reason_counters *counters = bpf_map_lookup_elem(&reasons, &reason);

	if (!counters)
		return 0;
	return direction == EGRESS ? counters->egress++ : counters->ingress++;
}

#endif
