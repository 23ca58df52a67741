/* The maps of the kernel's programs, which mailorigin-firewall alone reads and
 * writes, in C for both.
 *
 * A policy is written beside the one in force, under the next generation's
 * number, and mo_control.generation then puts all of it in force in one step. */
#ifndef MAILORIGIN_FIREWALL_KERNEL_MAPS_H
#define MAILORIGIN_FIREWALL_KERNEL_MAPS_H

#include "core/abi/share.h"
#include "decision.h"

enum {
  /* Another form of these maps, or another use of them, needs another number. */
  mo_maps_version = 13,

  /* Of each one's share: core/abi/share.h. */
  mo_pages_limit = 8192,                   /* that mailorigind registers: 100 bytes each */
  mo_processes_limit = 2 * mo_pages_limit, /* as many more are root's to register */
  mo_inherited_limit = 4096,               /* origins that were inherited: 3.2 KB each */
  mo_shown_limit = 4096,                   /* that mailorigind registers */
  mo_snapshots_limit = mo_inherited_limit + mo_shown_limit,
  mo_shares_limit = 16384, /* uids that have a share; those that use none of it go */
  /* Of both generations together. */
  mo_policies_limit = 2 * 16384,
  mo_accounts_limit = 2 * 16384,
  mo_allowed_limit = 2 * 131072,

  mo_quotas_limit = 2 * 1024, /* uids, twice; the least recently used one goes */
  mo_quota_vhosts = 8,        /* of one uid, likewise */
  /* Of one uid and virtual host; of one uid, over all of them, twice as many a second. */
  mo_event_burst = 100,
  mo_long_event_shares = 3, /* what one of more than mo_short_origin counts as */
  mo_events_per_second = 50,

  mo_ancestors_limit = 16,
  mo_namespaces_limit = 33, /* the kernel's own */
  mo_page_tries = 4,
  mo_page_waits = 256, /* reads of a page that the kernel is moving: some hundred microseconds */
  /* How long a php-fpm that is older than the firewall may go without showing itself. */
  mo_older_grace_ticks = 10 * 60 * mo_ticks_per_second,
};

/* Of this, mo_config's keys, mo_process and mo_snapshot (core/abi/layout.h), the next version
 * takes over what it finds: members keep their places, and new ones come behind them. */
struct mo_control {
  __mo_u32 generation; /* 0: there is no policy yet */
  __mo_u32 reserved;
  /* Since boot, as mo_registration.start_ticks, by any version that enforced. */
  __mo_u64 first_loaded_ticks;
  __mo_u64 older_until_ticks; /* what is older than that is observed */
};

/* What mo_config.blocks says; 0: nothing is blocked, and nothing is asked about it. */
enum mo_blocks {
  mo_blocks_some = 1,
  mo_blocks_gone = 2, /* among them a site that is not configured (any more) */
};

/* One for each of two generations. */
struct mo_config {
  __mo_u32 mode;
  __mo_u32 mark;
  __mo_u32 mark_mask;
  __mo_u32 blocks;
  /* Bit N: among MailOriginSmtpUsers are some whose number ends in N, modulo 64. Of
   * most processes this says enough. */
  __mo_u64 users_that_may;
  __mo_u64 groups_that_may;
  struct mo_ring_key current;
  struct mo_ring_key previous;
  __mo_u8 is_smtp[65536];   /* by port: MailOriginSmtpPorts */
  struct mo_policy nobodys; /* without a context, of a uid that no virtual host runs as */
};

struct mo_policy_key {
  __mo_u32 generation;
  __mo_u32 vhost; /* 0: the server */
};

struct mo_host {
  struct mo_policy policy;
  __mo_u32 off;    /* MailOrigin Off: what shows a context that says so passes */
  __mo_u32 run_as; /* a MailOriginRunAs by name, or MO_ANY_UID */
};

enum mo_account_kind {
  mo_account_user = 0,
  mo_account_group = 1,
  mo_account_blocked = 2, /* a user that is blocked, whatever it runs */
};

struct mo_account_key {
  __mo_u32 generation;
  __mo_u32 kind;
  __mo_u32 id;
};
struct mo_account {
  __mo_u32 may; /* in MailOriginSmtpUsers */
  /* Without a context: exactly one site can be behind it, or not one alone. */
  __mo_u32 has_vhost;
  __mo_u32 vhost;
  /* That one's, of its ports the strictest, or the strictest of all that it can be. */
  struct mo_policy policy;
};

/* In the trie, the first entry that covers a destination allows it: ports are part
 * of the key, 0 stands for any, so that there are two questions and no more. */
struct mo_allowed_key {
  __mo_u32 prefix; /* bits of what follows */
  __mo_u32 generation;
  __mo_u32 list;
  __mo_u16 port;
  __mo_u16 is_ipv4; /* else ::/0 would cover the mapped addresses, too */
  __mo_u8 address[16];
};
enum { mo_allowed_head_bits = 96, mo_allowed_bits = 96 + 128 };

struct mo_process {
  __mo_u64 start_ticks;
  __mo_u64 page;  /* its address */
  __mo_u32 parts; /* that have come: a bit each */
  __mo_u32 uid;   /* of one that mailorigind registered; 0: registered by root */
};
enum { mo_all_parts = (1 << mo_registration_parts) - 1 };

/* Whose a connection is that was let out, kept with its socket: another user may have made that. */
struct mo_opener {
  __mo_u64 cookie;     /* of the socket */
  __mo_u64 opened_ns;  /* since boot, as its event has it */
  __mo_u32 generation; /* of the policy that let it out */
  __mo_u32 uid;        /* who connected */
  __mo_u32 gid;
  __mo_u32 owner; /* of the namespace that it did so in, or for whom what it shows is; or `uid` */
  __mo_u32 vhost;
  __mo_u32 shown_uid; /* for whom what it showed was sealed, */
  __mo_u32 shown_vhost;
  __mo_u8 verified;
  __mo_u8 pass; /* its context says MailOrigin Off */
  __mo_u8 reason;
  __mo_u8 shown; /* where that is another */
};

/* The kernel counts those that are inherited, mailorigin-firewall those that it registers. */
MO_INLINE int mo_is_inherited(const struct mo_snapshot* snapshot, __mo_u32 tgid) {
  return snapshot->worker != tgid || snapshot->worker_start_ticks != snapshot->start_ticks;
}

/* Refused connections use up nothing of what those that are let through have: else a flood of
 * the ones would hide the others. */
struct mo_quota_key {
  __mo_u32 uid;
  __mo_u32 is_refused;
};
/* Buckets, given as the time when they will be full again. */
struct mo_quota {
  __mo_u64 full_at_ns; /* of all its virtual hosts together */
  struct mo_vhost_quota {
    __mo_u64 full_at_ns;
    __mo_u32 vhost;
    __mo_u32 reserved;
  } vhosts[mo_quota_vhosts];
  __mo_u64 left_out; /* connections that have no event, since its beginning */
};

struct mo_counters {
  __mo_u64 allowed;
  __mo_u64 observed;
  __mo_u64 denied;
  __mo_u64 redirected;
  __mo_u64 older;             /* of the observed: php-fpm's workers without a page */
  __mo_u64 events;            /* in the ring */
  __mo_u64 events_dropped;    /* for want of room in the ring */
  __mo_u64 events_capped;     /* their uid had too many */
  __mo_u64 unreadable;        /* a registered page could not be read, or its sizes do not fit */
  __mo_u64 unverified;        /* a context was there, and did not verify */
  __mo_u64 registered;        /* by page */
  __mo_u64 inherited;         /* by fork */
  __mo_u64 unregistered_full; /* for want of room */
};

#endif
