/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright the OnCache authors. */
/*
 * What we use of the running kernel, relocated by CO-RE: fields by name, so that one
 * object loads on every kernel that has them.
 */
#ifndef ONCACHE_KERNEL_H
#define ONCACHE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define READ_ONCE(x) (*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))
/* Keeps the compiler from moving loads and stores; x86 and the agent's stores are ordered. */
#define barrier() asm volatile("" ::: "memory")

/* The next program of the hook, in tcx as in clsact: TCX_NEXT == TC_ACT_UNSPEC. */
#define NEXT TC_ACT_UNSPEC

/* linux/netfilter/nf_conntrack_common.h */
#define IPS_SEEN_REPLY (1UL << 1)
#define IPS_CONFIRMED (1UL << 3)
#define IPS_NAT_MASK ((1UL << 4) | (1UL << 5))
#define IPS_SEQ_ADJUST (1UL << 6)
#define IPS_DYING (1UL << 9)
#define IPS_HELPER (1UL << 13)
/* linux/netfilter/nf_conntrack_tcp.h */
#define TCP_CONNTRACK_SYN_SENT 1
#define TCP_CONNTRACK_SYN_RECV 2
#define TCP_CONNTRACK_ESTABLISHED 3

struct ip_ct_tcp {
	__u8 state;
} __attribute__((preserve_access_index));

union nf_conntrack_proto {
	struct ip_ct_tcp tcp;
} __attribute__((preserve_access_index));

struct nf_conn {
	unsigned long status;
	union nf_conntrack_proto proto;
} __attribute__((preserve_access_index));

struct sk_buff {
	unsigned long _nfct;
} __attribute__((preserve_access_index));

/* net/netfilter/nf_conntrack_bpf.c, the 12 byte form: default zone. */
struct bpf_ct_opts___oncache {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

/* Conntrack kfuncs: lookup for tc since 5.18, change_timeout since 6.0. */
extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *skb, struct bpf_sock_tuple *tuple,
					 __u32 tuple_len, struct bpf_ct_opts___oncache *opts,
					 __u32 opts_len) __ksym;
extern int bpf_ct_change_timeout(struct nf_conn *ct, __u32 timeout_ms) __ksym;
extern void bpf_ct_release(struct nf_conn *ct) __ksym;

/* Since 6.2; without them (load_options.have_skb_conntrack == 0) ICMP echo is not accelerated. */
extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;
extern void *bpf_rdonly_cast(const void *pointer, __u32 btf_id) __ksym __weak;

#endif
