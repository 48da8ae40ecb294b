/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright the OnCache authors. */
/*
 * Notes of what happened to a connection, that need not survive: the place is a part of the key's hash,
 * a newer note there takes the place of an older one. They take no room in the filter cache, so no pod
 * can fill that with them. A value is the time (upper half, in units of 2^NOTE_SHIFT ns) and the
 * hash. agent/Daemon/EndedConnectionsTeller.cs computes the same.
 */
#ifndef ONCACHE_NOTES_H
#define ONCACHE_NOTES_H

#include "maps.h"

#define NOTE_UNIT (1ULL << NOTE_SHIFT)

/*
 * Pods of one network that ask one port differ in few bits, of which ports must not undo any. No part of
 * its callers, for the verifier's sake.
 */
static __noinline __u32 note_hash(const struct oncache_flow_key *key)
{
	__u64 hash = (__u64)key->local_ip << 32 | key->remote_ip;

	hash ^= hash >> 29;
	hash *= 0x9e3779b97f4a7c15ULL;
	hash ^= hash >> 32;
	hash ^= (__u32)key->local_port << 16 | key->remote_port;
	hash *= 0xbf58476d1ce4e5b9ULL;
	return hash ^ hash >> 32;
}

static __always_inline __u64 *note_place(void *notes, __u32 hash)
{
	__u32 place = hash & (NOTES - 1);

	return bpf_map_lookup_elem(notes, &place);
}

static __always_inline void note(void *notes, const struct oncache_flow_key *key, __u64 now)
{
	__u32 hash = note_hash(key);
	__u64 *place = note_place(notes, hash);

	if (place)
		WRITE_ONCE(*place, now >> NOTE_SHIFT << 32 | hash);
}

/* How long ago it was noted, in ns and rounded up; 0 where it was not, or the note is lost. */
static __always_inline __u64 noted(void *notes, const struct oncache_flow_key *key, __u64 now)
{
	__u32 hash = note_hash(key);
	__u64 *place = note_place(notes, hash);
	__u64 value = place ? READ_ONCE(*place) : 0;

	if (!value || (__u32)value != hash)
		return 0;
	return ((__u64)((__u32)(now >> NOTE_SHIFT) - (__u32)(value >> 32)) + 1) << NOTE_SHIFT;
}

/* What was noted is true no more. */
static __always_inline void note_clear(void *notes, const struct oncache_flow_key *key)
{
	__u32 hash = note_hash(key);
	__u64 *place = note_place(notes, hash);

	if (place && (__u32)READ_ONCE(*place) == hash)
		WRITE_ONCE(*place, 0);
}

#endif
