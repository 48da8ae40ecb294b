/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright the OnCache authors. */
/*
 * Room in the filter cache. An endpoint gets a new entry only while it holds fewer than are free: one alone
 * takes half of the cache at most, n that begin together take 1/(n+1) each, and as much is left for the next.
 * So the kernel never has to evict, and no pod costs another its verdicts. (Buffers shared by a
 * switch's ports are divided like this: Choudhury and Hahne, dynamic queue length thresholds, 1998.)
 * Counted where entries come and go, none of it on the way of an ordinary hit. What is not
 * seen here (an entry of two CPUs at once, an eviction, a slot with another pod) the next sweep puts right.
 */
#ifndef ONCACHE_SHARE_H
#define ONCACHE_SHARE_H

#include "maps.h"

static __always_inline struct oncache_held *held_get(__u32 endpoint)
{
	return bpf_map_lookup_elem(&held, &endpoint);
}

static __always_inline void share_add(__u32 endpoint, __s64 entries)
{
	struct oncache_held *all = held_get(INDEX_NONE), *own = held_get(endpoint);

	if (all)
		__sync_fetch_and_add(&all->entries, entries);
	if (own && own != all)
		__sync_fetch_and_add(&own->entries, entries);
}

/* Room for one more entry of this endpoint? */
static __always_inline bool share_left(__u32 endpoint)
{
	struct oncache_held *all = held_get(INDEX_NONE), *own = held_get(endpoint);

	if (!all || !own)
		return false;
	if (READ_ONCE(own->entries) + READ_ONCE(all->entries) < load_options.filter_entries)
		return true;
	__sync_fetch_and_add(&own->refused, 1);
	return false;
}

/*
 * former: what stands under the key, NULL = nothing. Returns REASON_LEARNED or why it is not there. No part of its
 * callers: the verifier would walk the rest of them once for each way through it.
 */
static __noinline int entry_put(const struct oncache_flow_key *key,
				const struct oncache_filter_entry *former,
				const struct oncache_filter_entry *fresh)
{
	if (!former && !share_left(fresh->endpoint))
		return REASON_LEARN_SHARE;
	if (bpf_map_update_elem(&filter_cache, key, fresh, BPF_ANY))
		return REASON_LEARN_FAILED;
	if (!former)
		share_add(fresh->endpoint, 1);
	return REASON_LEARNED;
}

/* entry: what stands under the key, NULL = nothing. */
static __always_inline void entry_drop(const struct oncache_flow_key *key,
				       const struct oncache_filter_entry *entry)
{
	__u32 endpoint;

	if (!entry)
		return;
	endpoint = entry->endpoint;
	if (!bpf_map_delete_elem(&filter_cache, key))
		share_add(endpoint, -1);
}

static __always_inline void entry_drop_any(const struct oncache_flow_key *key)
{
	entry_drop(key, bpf_map_lookup_elem(&filter_cache, key));
}

#endif
