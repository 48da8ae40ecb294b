/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright the OnCache authors. */
/*
 * Rules of the host that a cached verdict does not carry: limits, counters, logs, rewriting. The
 * agent reads them and writes here which flows they can meet. Asked when a flow is learned, of pods
 * that have such flows; never on a hit.
 */
#ifndef ONCACHE_REGIONS_H
#define ONCACHE_REGIONS_H

#include "parse.h"

struct region_search {
	struct oncache_flow_key *key;
	__u8 scope;
	bool found;
};

static long region_matches(__u32 index, struct region_search *search)
{
	struct oncache_host_region *region = bpf_map_lookup_elem(&host_regions, &index);
	struct oncache_flow_key *key = search->key;
	__u32 local = bpf_ntohl(key->local_ip), remote = bpf_ntohl(key->remote_ip);
	__u16 local_port, remote_port;

	if (!region)
		return 1;
	if (!(region->scope & search->scope) || local < region->local_min ||
	    local > region->local_max || remote < region->remote_min ||
	    remote > region->remote_max || (region->protocol && region->protocol != key->protocol))
		return 0;
	/* ICMP has no ports; its regions name none. */
	local_port = bpf_ntohs(key->local_port);
	remote_port = bpf_ntohs(key->remote_port);
	if (key->protocol != IPPROTO_ICMP &&
	    (local_port < region->local_port_min || local_port > region->local_port_max ||
	     remote_port < region->remote_port_min || remote_port > region->remote_port_max))
		return 0;
	search->found = true;
	return 1;
}

static __always_inline bool in_host_region(struct oncache_config *cfg,
					   struct oncache_ingress_entry *endpoint,
					   struct oncache_flow_key *key, __u8 scope)
{
	struct region_search search = {.key = key, .scope = scope};

	if (likely(!(READ_ONCE(endpoint->flags) & ENDPOINT_RULED)))
		return false;
	bpf_loop(READ_ONCE(cfg->host_regions), region_matches, &search, 0);
	return search.found;
}

#endif
