/* The firewall's decision, over plain structs: compiled for the kernel's programs,
 * and for the host, where it is tested and where older connections are judged. */
#ifndef MAILORIGIN_FIREWALL_KERNEL_DECISION_H
#define MAILORIGIN_FIREWALL_KERNEL_DECISION_H

#include "core/abi/layout.h"
#include "siphash.h"

#define MO_INLINE static inline __attribute__((always_inline))

/* The same values as FirewallMode, SmtpRule and Rule in core/. */
enum mo_mode { mo_mode_off = 0, mo_mode_observe = 1, mo_mode_on = 2 };
enum mo_rule {
  mo_rule_deny = 0,
  mo_rule_observe = 1,
  mo_rule_allow = 2,
  mo_rule_redirect = 3,
  mo_rule_blocked = 4, /* `mailorigin block`: no configuration says it, and none undoes it */
};
enum mo_local { mo_local_allow = 0, mo_local_observe = 1, mo_local_deny = 2 };
/* Whether a destination is one of the loopback's. */
enum mo_loopback { mo_not_loopback = 0, mo_is_the_loopbacks = 1, mo_may_be_loopback = 2 };

enum {
  mo_ns_per_tick = 10000000,
};
#define MO_ANY_UID 0xffffffffU
#define MO_NOBODY 65534U
/* As in core/seal.h. */
#define MO_CONTEXT_LIFETIME_NS (86400ULL * 1000000000ULL)
#define MO_FUTURE_TOLERANCE_NS 1000000000ULL

struct mo_ring_key {
  __mo_u32 id;
  __mo_u32 valid;
  struct mo_key key;
};

/* Of one virtual host, or the server. */
struct mo_policy {
  __mo_u8 rule;
  __mo_u8 local;
  __mo_u16 relay_port;
  __mo_u32 list; /* of MailOriginSmtpAllow; 0: it is empty */
  __mo_u8 relay[16];
};

struct mo_facts {
  __mo_u32 uid;
  __mo_u8 mode;
  __mo_u8 kernel_thread; /* no process stands behind it */
  __mo_u8 may;           /* the uid or gid is in MailOriginSmtpUsers */
  __mo_u8 verified;      /* mo_verify() */
  __mo_u8 pass;          /* the verified tag's flag, and its host is off still */
  __mo_u8 by_uid;        /* not verified, and the uid can be exactly one site */
  __mo_u8 older;         /* a php-fpm older than the firewall that is not registered */
  __mo_u8 loopback;      /* enum mo_loopback: the destination */
  __mo_u8 listed;        /* the destination is in `policy`'s list */
  __mo_u8 ipv6;          /* the socket: it reaches IPv4 addresses as mapped ones */
  __mo_u32 vhost;        /* whose policy this is; 0: the server's, or all that the uid can be */
  struct mo_policy policy;
};

struct mo_decision {
  __mo_u8 verdict;
  __mo_u8 reason;
  __mo_u8 record; /* an event is due */
};

/* True if the tag counts: it is httpd's, for this uid, and of the last day. */
MO_INLINE int mo_verify(const struct mo_tag* tag, const struct mo_ring_key* current,
                        const struct mo_ring_key* previous, __mo_u32 uid, __mo_u64 now_ns) {
  if (tag->version != mo_tag_version || tag->reserved != 0 ||
      (tag->flags & ~(mo_tag_pass | mo_tag_truncated)) != 0) {
    return 0;
  }
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "a tag's numbers would have to be turned here"
#endif
  struct mo_key key;
  if (current->valid && tag->key_id == current->id) {
    key = current->key;
  } else if (previous->valid && tag->key_id == previous->id) {
    key = previous->key;
  } else {
    return 0;
  }
  if (mo_siphash((const __mo_u64*)(const void*)tag, key) != tag->seal) return 0;
  if (tag->uid != MO_ANY_UID && tag->uid != uid) return 0;
  if (tag->boottime_ns > now_ns + MO_FUTURE_TOLERANCE_NS) return 0;
  return now_ns <= tag->boottime_ns + MO_CONTEXT_LIFETIME_NS;
}

MO_INLINE int mo_is_mapped(const __mo_u8* address) {
  const __mo_u32* word = (const __mo_u32*)(const void*)address;
  return word[0] == 0 && word[1] == 0 && word[2] == __builtin_bswap32(0xffffU);
}

/* 127.0.0.0/8, also mapped, and ::1; and the unspecified addresses, by which a
 * connection reaches this host as well. */
MO_INLINE int mo_is_loopback(const __mo_u8* address) {
  const __mo_u32* word = (const __mo_u32*)(const void*)address;
  if (mo_is_mapped(address)) return address[12] == 127 || word[3] == 0;
  return word[0] == 0 && word[1] == 0 && word[2] == 0 &&
         (word[3] == __builtin_bswap32(1U) || word[3] == 0);
}

/* Of two policies what both let through; their lists apart. */
MO_INLINE void mo_narrow(struct mo_policy* policy, const struct mo_policy* also) {
  if (policy->rule == mo_rule_blocked || also->rule == mo_rule_blocked) {
    policy->rule = mo_rule_blocked;
  } else if (also->rule != mo_rule_allow && also->rule != mo_rule_observe) {
    policy->rule = mo_rule_deny;
  } else if (also->rule == mo_rule_observe && policy->rule == mo_rule_allow) {
    policy->rule = mo_rule_observe;
  }
  if (also->local > policy->local) policy->local = also->local;
}

MO_INLINE __mo_u8 mo_local_verdict(__mo_u8 local) {
  return local == mo_local_allow ? mo_allow : local == mo_local_observe ? mo_observe : mo_deny;
}

/* By where it leads, if that is the loopback, or if not. */
MO_INLINE struct mo_decision mo_decide_destination(const struct mo_facts* facts, int loopback) {
  struct mo_decision decision = {mo_allow, mo_reason_none, 0};
  if (loopback) { /* MailOriginSmtpLocal */
    decision.verdict = mo_local_verdict(facts->policy.local);
    decision.reason = mo_reason_local;
  } else if (facts->listed) { /* MailOriginSmtpAllow */
    decision.reason = mo_reason_allowed;
  } else if (!facts->verified && !facts->by_uid) {
    decision.verdict = facts->policy.rule == mo_rule_observe ? mo_observe : mo_deny;
    decision.reason = mo_reason_unverified;
  } else { /* MailOriginSmtp */
    decision.reason = mo_reason_smtp;
    switch (facts->policy.rule) {
      case mo_rule_allow:
        break;
      case mo_rule_observe:
        decision.verdict = mo_observe;
        break;
      case mo_rule_redirect:
        /* An IPv4 socket cannot be sent to an IPv6 relay. */
        decision.verdict = facts->ipv6 || mo_is_mapped(facts->policy.relay) ? mo_redirect : mo_deny;
        break;
      default:
        decision.verdict = mo_deny;
    }
  }
  return decision;
}

MO_INLINE int mo_strictness(__mo_u8 verdict) {
  return verdict == mo_deny ? mo_redirect + 1 : verdict;
}

/* Of a connection to an SMTP port, while the mode is not off. */
MO_INLINE struct mo_decision mo_decide(const struct mo_facts* facts) {
  struct mo_decision decision = {mo_allow, mo_reason_none, 0};

  if (facts->kernel_thread) {
    decision.verdict = mo_deny;
    decision.reason = mo_reason_unverified;
  } else if (facts->uid == 0) {
    return decision;
  } else if (facts->policy.rule == mo_rule_blocked) {
    /* At once, whatever is configured, MailOriginFirewall observe too. */
    decision.verdict = mo_deny;
    decision.reason = mo_reason_blocked;
    decision.record = 1;
    return decision;
  } else if (facts->may || (facts->verified && facts->pass)) {
    /* MailOriginSmtpUsers; MailOrigin Off */
    return decision;
  } else {
    decision = mo_decide_destination(facts, facts->loopback != mo_not_loopback);
    if (facts->loopback == mo_may_be_loopback) {
      const struct mo_decision outside = mo_decide_destination(facts, 0);
      if (mo_strictness(outside.verdict) > mo_strictness(decision.verdict)) decision = outside;
    }
  }
  if (facts->older && decision.verdict == mo_deny) {
    decision.verdict = mo_observe;
    decision.reason = mo_reason_older;
  }
  /* MailOriginFirewall */
  if (facts->mode == mo_mode_observe && decision.verdict != mo_allow) {
    decision.verdict = mo_observe;
  }
  /* What the server's own rules allow a request is nobody's news. */
  decision.record = decision.verdict != mo_allow || facts->vhost != 0 || !facts->verified;
  return decision;
}

#endif
