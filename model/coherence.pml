/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a cached verdict comes to be and ends: bpf/cache.h, bpf/learn.h, bpf/regions.h, agent/Datapath/EndpointTable.cs,
 * agent/Daemon/DatapathController.cs. docs/coherence.md has the invariants in words.
 *
 * One node, one flow, packets in both directions, one change of what the CNI decides, at any moment of any history:
 * other changes are the flushes that may come at any time. Time is countdowns in ticks, so it never ends; an epoch is
 * whether it is the current one, as a number never returns. Where the model is wider than the code (conntrack, the
 * miss bit and LRU eviction only ever refuse) it allows more, and what holds here holds there. The verdict on a pair of
 * pods (bpf/shortcut.h) is a copy of the epochs of a handshake's entry with the earlier of its deadlines, for what the CNI
 * would ask of the next such handshake (addresses, direction, port), and is renewed by another one only: the flow of this
 * model may be read as that. Its flag only forbids.
 *
 * A word after -D takes one rule away or bends it; each such model must fail. model/variants lists them.
 */

/* What changes; one per run, so that each stays small. */
#define POLICY_UNSEEN 1	/* the CNI's rule: no event arrives, flushes come at any time */
#define POLICY_SEEN 2	/* the CNI's rule: the API has an event, the agent may be stopped or die */
#define SETTINGS 3	/* lease or exclusions of our own */
#define RULES 4		/* a rule of the host that no verdict carries: as POLICY_SEEN, and in force at once */
#ifndef CHANGE
#error "-DCHANGE=POLICY_UNSEEN, POLICY_SEEN, SETTINGS or RULES"
#endif
#define SEEN (CHANGE == POLICY_SEEN || CHANGE == RULES)
#if CHANGE == POLICY_SEEN || CHANGE == RULES
#define PACKETS 1	/* under way at once, in either direction */
#define WITH_HEARTBEAT true
#else
#define PACKETS 2
#define WITH_HEARTBEAT false	/* it only ever forbids */
#endif

/* Ticks. What matters is their order: the settle time outlasts the CNI's delay and a packet's way together. */
#define TRANSIT 1	/* a packet's way from the CNI's verdict to the end of learning, at most */
#define CNI 1		/* from the change in the API to the CNI's enforcing it, at most */
#ifdef SHORT_SETTLE
#define SETTLE 2
#else
#define SETTLE 3
#endif
#define HEARTBEAT 2
#define READ 1		/* running time in which an agent has an event in force */
#define LEASE 4
#define LONGEST (CHANGE == POLICY_UNSEEN -> LEASE + TRANSIT + CNI : READ + HEARTBEAT)

/* The filter entry's word on one direction, the lease as the time left. */
typedef Verdict {
	bit given;
	byte left;
	bit old;	/* ghost: the CNI gave it under the rule before the change */
	bit former;	/* ghost: recorded under the settings before their change */
};
Verdict verdict[2];
bit usable;		/* the entry's epoch is the current one */
byte held;		/* learn_after, as the time left */
byte alive;		/* the heartbeat deadline, as the time left */

byte age[PACKETS];	/* since the CNI's verdict */
bit underway[PACKETS];
bit current[PACKETS];	/* the epoch that a learner read is still the current one */

bit former = (CHANGE == SETTINGS);	/* the settings before their change are in force */
bit settled;		/* ghost: the flush that follows their change is done */

/* What learners are told of the rule; under RULES verdicts never end by time, and packets take as long as they like. */
bit flag;		/* ENDPOINT_RULED: some region concerns the pod */
bit region;		/* host_regions: one of them has this flow in it */

bit changed;		/* the API has the new policy, or the node the new rule */
bit pending;		/* its event is there to be read */
bit applied;		/* the CNI enforces it */
bit flushed;		/* ghost: a flush that began after the change is done */
byte since;		/* ticks since the change */
byte lag;		/* of these, until the CNI enforced it */
byte waiting;		/* of these, the agent ran and had not flushed */
bit interrupted;	/* until its flush the agent was stopped or dead; one such time counts, each more adds its own */

mtype = { DEAD, SYNCED, IDLE, HOLDING, STORED, FLAGGING, FLAGGED, RENEWING };
mtype agent = DEAD;
bit stopped;		/* the process does not run: SIGSTOP, starved, suspended machine */
bit covers;		/* ghost: the flush under way began after the change; no ghost under RULES: the plan has the rule */
bit beating;		/* it is part of a beat: the heartbeat is renewed next */
byte beat;		/* what is left of the deadline that this beat will store */
#ifdef FIRST_BEAT_UNCHECKED
bit first;
#endif
#ifdef START_UNSYNCED
bit unsynced;
#endif

#define running (agent != DEAD && !stopped)
#define unseen (SEEN && changed && !flushed)

inline reset(d) {
	verdict[d].given = 0;
	verdict[d].left = 0;
	verdict[d].old = 0;
	verdict[d].former = 0
}

inline forget() {
	usable = 0;
	reset(0);
	reset(1)
}

/* ------------------------------------------------------------------------------------------- packets */

/* oncache_pod_egress or oncache_node_ingress found the entry good: the CNI does not see this packet. */
inline fast(d) {
#ifdef WITNESS_FAST
	assert(false);
#endif
#ifdef WITNESS_STALE
	assert(!(verdict[d].old && applied));
#endif
#ifdef WITNESS_AGAIN
	assert(!(flushed && applied));
#endif
#ifdef WITNESS_RULED
	assert(!changed);
#endif
	/* flushed: after the flush, nothing of what was decided before the change. */
	assert(!flushed || (!verdict[d].old && !verdict[1 - d].old));
	/* leased: whatever was lost, one lease after the last packet that the old rule let pass. */
	assert(CHANGE != POLICY_UNSEEN || !(verdict[d].old && applied) || since - lag < LEASE + TRANSIT);
	/* silent: whatever happened to the agent, one heartbeat timeout after it should have known. */
	assert(CHANGE != POLICY_SEEN || !(verdict[d].old && applied) || since < READ + HEARTBEAT);
	/* settings: after the flush, nothing that was recorded under the former ones. */
	assert(!settled || (!verdict[d].former && !verdict[1 - d].former));
	/* ruled: after the flush, nothing; before it, as in silent. */
	assert(CHANGE != RULES || !changed || (!flushed && since < READ + HEARTBEAT))
}

inline record(id, d, was_old, was_former) {
	if
	:: !current[id] -> forget()	/* written, and of no use */
	:: else ->
		if
		:: usable -> skip
		:: else ->
#ifndef MERGED
			forget();
#endif
			usable = 1
		fi;
		verdict[d].given = 1;
		verdict[d].left = LEASE;
		verdict[d].old = was_old;
		verdict[d].former = was_former
	fi
}

#define HELD_BACK (held > 0)
#ifdef NO_LEARN_AFTER
#undef HELD_BACK
#define HELD_BACK (false)
#endif

#ifdef NO_HEARTBEAT
#define HEARD true
#else
#define HEARD (alive > 0 || !WITH_HEARTBEAT)
#endif

/* in_host_region(): two reads. What is in a region is not learned. */
inline leave_if_ruled() {
	if
	:: flag ->
		if
		:: region -> goto enter
		:: else -> skip
		fi
	:: else -> skip
	fi
}

proctype packets(byte id) {
	bit d, was_old, was_former;

enter:
	atomic {
		d = 0; was_old = 0; was_former = 0; age[id] = 0; underway[id] = 0; current[id] = 0;
		if
		:: true
		:: d = 1
		fi;
		if
		/* Under RULES one direction is enough: so one packet at once stands for one of each that learn together. */
		:: HEARD && usable && verdict[d].left > 0 && (verdict[1 - d].given || CHANGE == RULES) ->
			fast(d);
			d = 0;
			goto enter
		:: else -> skip
		fi;
		/* The CNI decides, by the rule of this moment. It may forbid the flow, or let an established one live. */
		if
		:: applied -> d = 0; goto enter
		:: applied -> skip
		:: !applied -> was_old = (CHANGE != RULES)
		fi;
		underway[id] = (CHANGE != RULES)
	}

	/* At the far end of the CNI's path: learn(). Its time is part of TRANSIT. */
#ifdef SETTING_READ_FIRST
	was_former = former;
#endif
#ifdef RULES_READ_FIRST
	leave_if_ruled();
#endif
#ifdef READS_SWAPPED
	if
	:: HELD_BACK -> goto enter
	:: else -> skip
	fi;
	current[id] = 1;
#else
	current[id] = 1;
	if
	:: HELD_BACK -> goto enter
	:: else -> skip
	fi;
#endif
#ifndef SETTING_READ_FIRST
	was_former = former;
#endif
#if CHANGE == RULES && !defined(RULES_READ_FIRST)
	leave_if_ruled();
#endif
	d_step { record(id, d, was_old, was_former) };
	goto enter
}

/* --------------------------------------------------------------------------------------------- agent */

inline hold() {
	held = SETTLE
}

inline raise_epoch() {
#ifndef NO_EPOCH
	usable = 0;
#ifndef MERGED
	forget();
#endif
	current[0] = 0;
#if PACKETS > 1
	current[1] = 0;
#endif
#endif
	skip
}

inline done() {
	if
	:: covers -> flushed = 1
	:: else -> skip
	fi;
	covers = 0;
	if
	:: beating -> agent = RENEWING
	:: else -> agent = IDLE
	fi
}

#ifdef STORES_SWAPPED
#define first_store() raise_epoch()
#define second_store() hold()
#else
#define first_store() hold()
#define second_store() raise_epoch()
#endif

inline begin_flush() {
#if CHANGE != RULES
	covers = changed;
#endif
	first_store();
	agent = HOLDING
}

#ifdef NO_VOID
#define LATE (false)
#else
#ifdef FIRST_BEAT_UNCHECKED
#define LATE (alive == 0 && !first)
#else
#define LATE (alive == 0)
#endif
#endif

/* Apply() has written the regions before it flushes; the flag is written by Endpoints.Apply(), which then flushes anew. */
#ifdef FLUSHED_FIRST
#define first_of_rules() raise_epoch()
#define second_of_rules() region = covers
#else
#define first_of_rules() region = covers
#define second_of_rules() raise_epoch()
#endif

/* NodeAgent's loop. One store at a time: packets, time and death come between any two. */
active proctype node_agent() {
	do
	/* Start: what the API holds is read first, then everything is voided. */
	:: atomic { agent == DEAD ->
#ifdef START_UNSYNCED
		unsynced = 1;
#else
		pending = 0;
#endif
#ifdef FIRST_BEAT_UNCHECKED
		first = 1;
#endif
#if CHANGE == RULES
		covers = changed;
#endif
		agent = SYNCED }
#if CHANGE == RULES
	/* Start or event: rules are planned with, the pod is told to have any, and each of the two is flushed. */
	:: atomic { agent == IDLE && !stopped && pending -> pending = 0; covers = 1; agent = SYNCED }
	:: atomic { agent == SYNCED && !stopped -> first_of_rules(); agent = STORED }
	:: atomic { agent == STORED && !stopped ->
		second_of_rules();
		if
		:: flag || !covers -> done()
		:: else -> agent = FLAGGING
		fi }
	:: atomic { agent == FLAGGING && !stopped -> flag = 1; agent = FLAGGED }
	:: atomic { agent == FLAGGED && !stopped ->
#ifndef FLAG_LAST
		raise_epoch();
#endif
		done() }
#else
	:: atomic { agent == SYNCED && !stopped ->
#ifdef NO_START_VOID
		agent = IDLE;
#else
		begin_flush();
#endif
		}
#ifdef START_UNSYNCED
	:: atomic { agent == IDLE && unsynced -> pending = 0; unsynced = 0 }
#endif

	/* An event, in force before the next beat. */
	:: atomic { agent == IDLE && !stopped && pending -> pending = 0; begin_flush() }
#endif
	/* A flush for any other reason. */
	:: atomic { agent == IDLE && !stopped -> begin_flush() }
	:: atomic { agent == HOLDING && !stopped -> second_store(); done() }

	/* Lease or exclusions change: stored first, then the epoch. Nothing to settle, as the CNI has no part in it. */
	:: atomic { agent == IDLE && !stopped && former -> former = 0; agent = STORED }
	:: atomic { CHANGE == SETTINGS && agent == STORED && !stopped -> raise_epoch(); settled = 1; agent = IDLE }

	/* RenewHeartbeat: the clock is read once, a loop that comes late voids first. */
	:: atomic { agent == IDLE && !stopped && WITH_HEARTBEAT ->
		beat = HEARTBEAT;
		beating = 1;
		if
		:: LATE -> begin_flush()
		:: else -> agent = RENEWING
		fi }
	:: atomic { agent == RENEWING && !stopped ->
		alive = beat;
		beat = 0;
		beating = 0;
#ifdef FIRST_BEAT_UNCHECKED
		first = 0;
#endif
		agent = IDLE }
	od
}

/* ------------------------------------------------------------------------------------- the world around */

#define may_interrupt (!unseen || !interrupted)

active proctype world() {
	do
	:: atomic { CHANGE != SETTINGS && !changed -> 
		changed = 1;
		pending = SEEN;
		applied = (CHANGE == RULES);
		interrupted = (SEEN && !running) }
	:: atomic { changed && !applied -> applied = 1 }
	/* Evicted, or deleted with its conntrack entry, or by a SYN. */
	:: d_step { usable -> forget() }
	:: atomic { agent != DEAD && (may_interrupt || stopped) ->
		interrupted = unseen;
		if
		:: CHANGE == SETTINGS && agent == STORED -> former = 1	/* the successor stores and voids anew */
		:: else -> skip
		fi;
		agent = DEAD; stopped = 0; covers = 0; beating = 0; beat = 0 }
	:: atomic { SEEN && running && may_interrupt -> stopped = 1; interrupted = unseen }
	:: atomic { stopped -> stopped = 0 }
	od
}

inline down(counter) {
	if
	:: counter > 0 -> counter--
	:: else -> skip
	fi
}

inline older(id) {
	if
	:: underway[id] -> age[id]++
	:: else -> skip
	fi
}

#define in_time(id) (!underway[id] || age[id] < TRANSIT)

active proctype clock() {
	do
	:: d_step {
		in_time(0) && in_time(PACKETS - 1) &&
		!(changed && !applied && lag == CNI) &&
		!(unseen && (pending || covers) && running && waiting == READ) ->
		older(0);
#if PACKETS > 1
		older(1);
#endif
#if CHANGE != RULES && !defined(NO_LEASE)
		down(verdict[0].left);
		down(verdict[1].left);
#endif
		down(held);
		down(alive);
		down(beat);
		if
		:: changed && since < LONGEST ->
			since++;
			if
			:: !applied -> lag++
			:: else -> skip
			fi
		:: else -> skip
		fi;
		if
		:: unseen && running && waiting < READ -> waiting++
		:: else -> skip
		fi
	   }
	od
}

init {
	atomic {
#if CHANGE == RULES
		/* Another rule may concern the pod already. */
		if
		:: true
		:: flag = 1
		fi;
#endif
		run packets(0);
#if PACKETS > 1
		run packets(1)
#endif
	}
}
