/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How conntrack learns that a connection ended where it could not see it: bpf/cache.h (keep_conntrack, forget),
 * bpf/conntrack.h (conntrack_touch, tell_ended, conntrack_expire), agent/Daemon/EndedConnectionsTeller.cs.
 * docs/datapath.md#conntrack has it in words.
 *
 * One node, one pair of ports with one life after the other. Times of records are only ever compared, so a record is
 * whether its ports began a new life since. Left out, and named there as what is left: a filter entry that is evicted
 * while its record waits, and a connection's record that comes while the agent is about to tell of it already.
 *
 * UNREAD takes the look at `reopened` away; that must fail. model/variants lists it.
 */

bit open;		/* the ports have a connection */
mtype = { NONE, KNOWN, OVER };
mtype conntrack = NONE;	/* has no entry, an open one, one in TIME_WAIT or CLOSE */
bit entry;		/* the filter cache has one */
bit closed;		/* which says that the connection is over */
bit waiting;		/* the ring has records whose ports did not begin anew since */
bit outlived;		/* it has records whose ports did */
bit telling;		/* the agent has looked, and its message is on its way */
bit meanwhile;		/* ghost: a SYN came since it looked */

active proctype packets() {
	bit expired;

	do
	/* The CNI lets a packet pass and conntrack vouches, for a late one too. */
	:: atomic { conntrack == KNOWN && !entry -> entry = 1 }
	/* The connection ends on the fast path, or says so once more. */
	:: atomic { entry && conntrack == KNOWN && !telling -> open = 0; closed = 1; waiting = 1 }
	/* The same where the ring is full. */
	:: atomic { entry && conntrack == KNOWN -> open = 0; closed = 1 }
	/* It ends on the CNI's path. */
	:: atomic { open -> open = 0; conntrack = OVER }
	/* Conntrack knows the connection no longer as open: the next packet goes to the CNI, and the entry with it. */
	:: atomic { entry && conntrack != KNOWN -> entry = 0; closed = 0 }
	/* Conntrack's timeout, longer than the agent takes to tell. */
	:: atomic { !open && !waiting && !telling -> conntrack = NONE }

	/* A SYN: forget(), then the CNI. On an open connection it begins nothing. */
	:: atomic { !open ->
		meanwhile = telling;
		expired = entry && closed;
		if
		:: expired -> outlived = outlived || waiting; waiting = 0
		:: else -> skip
		fi }
	   if
	   :: expired -> conntrack = NONE
	   :: else -> skip
	   fi;
	   atomic { entry = 0; closed = 0 };
	   /* A new entry of conntrack's, or part of an open one. */
	   atomic { conntrack = KNOWN; open = 1; expired = 0 }
	od
}

active proctype teller() {
	do
	:: atomic { waiting && !telling -> waiting = 0; telling = 1 }
	:: atomic { outlived && !telling ->
		outlived = 0;
#ifdef UNREAD
		telling = 1
#endif
	   }
	:: atomic { telling ->
#ifdef WITNESS_TOLD
		assert(conntrack != KNOWN);
#endif
		/* ended: of an open connection conntrack is not told that it ended, but for one that opens in that very moment. */
		assert(!open || meanwhile);
		if
		:: conntrack == KNOWN -> conntrack = OVER
		:: else -> skip
		fi;
		telling = 0;
		meanwhile = 0 }
	od
}
