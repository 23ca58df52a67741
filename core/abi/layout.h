/* What the programs in the kernel share with mailorigin-firewall, mailorigind
 * and the plugin, which publishes its page: plain structs of fixed size, in C,
 * because BPF is compiled as C. docs/formats.md says who sends them.
 *
 * Another layout needs another number: it is part of the pins' names, so that an
 * old firewall's maps are never read with a new one's eyes. */
#ifndef MAILORIGIN_CORE_ABI_LAYOUT_H
#define MAILORIGIN_CORE_ABI_LAYOUT_H

#ifndef __bpf__
#include <stdint.h>
typedef uint8_t __mo_u8;
typedef uint16_t __mo_u16;
typedef uint32_t __mo_u32;
typedef uint64_t __mo_u64;
#else
typedef unsigned char __mo_u8;
typedef unsigned short __mo_u16;
typedef unsigned int __mo_u32;
typedef unsigned long long __mo_u64;
#endif

enum {
  mo_layout_version = 3,
  mo_tag_size = 48,       /* ContextTag, with its seal */
  mo_context_size = 2048, /* of a context's bytes, not of its text; see mo_origin */
  mo_file_size = 512,
  mo_comm_size = 16,
  mo_page_size = 4096, /* a struct mo_page stands at a multiple of it */
  mo_exe_parts = 8,
  mo_exe_part_size = 64,
  mo_ticks_per_second = 100, /* USER_HZ: /proc/PID/stat's starttime */
  mo_ring_size = 1 << 20,    /* of the ring buffer, in bytes: what mailorigind maps */
};

/* A ContextTag as its bytes lie in the context: see docs/formats.md. core/context.cc
 * holds the two equal. */
struct mo_tag {
  __mo_u8 version;
  __mo_u8 flags;
  __mo_u16 reserved;
  __mo_u32 key_id;
  __mo_u32 vhost;
  __mo_u32 uid;
  __mo_u8 request_id[16];
  __mo_u64 boottime_ns;
  __mo_u64 seal;
};
enum {
  mo_tag_version = 1,
  mo_tag_pass = 1, /* its flags */
  mo_tag_truncated = 2,
};

/* A process's origin. Its parts follow one another without a gap, so that one copy
 * takes them all: the context, whole when it fits, else its tag alone; the file of the
 * call of PHP's that connects, while one is running; "file:line" of the newest frame
 * outside mailer libraries. A longer name than mo_file_size is cut at the front. */
struct mo_origin {
  __mo_u16 context_size; /* 0: none. mo_tag_size: its details were too long */
  __mo_u16 file_size;
  __mo_u16 caller_size;
  __mo_u16 reserved;
  __mo_u32 line; /* in the file */
  __mo_u32 reserved_too;
  __mo_u8 bytes[mo_context_size + 2 * mo_file_size];
};
enum { mo_origin_head = 16 }; /* of its bytes: all before `bytes` */

/* One page of a worker's own memory, at a multiple of 4096, which the worker
 * registers while it is root, or shows to mailorigind. It writes sequence + 1 (odd),
 * then the origin, then sequence + 2. Nothing in it is believed but a tag whose
 * seal holds. */
struct mo_page {
  __mo_u32 sequence;
  __mo_u32 reserved;
  struct mo_origin origin;
};

/* Registration by root: three connects of an AF_INET datagram socket, to
 * 240.83.77.71, .72 and .73, whose ports are bits 0-15, 16-31 and 32-47 of the
 * page's number (its address / 4096). Each is answered EALREADY. */
/* Whoever registered may ask whether that still holds, by a fourth address, 240.83.77.74
 * and any port: EALREADY if it does. */
enum {
  mo_registration_address = 0xf0534d47, /* 240.83.77.71, host byte order */
  mo_registration_parts = 3,
};

/* What mailorigind sends to register a process that never was root. */
struct mo_registration {
  __mo_u32 tgid;
  __mo_u32 uid;
  __mo_u64 start_ticks;    /* its starttime, field 22 of /proc/PID/stat */
  __mo_u64 page;           /* address of its mo_page; 0: `origin` stands for all its life */
  struct mo_origin origin; /* verified by mailorigind, and by the kernel at each connect */
};

/* What the kernel keeps of a process that a request's process has started, or that mailorigind
 * has registered with its origin: the value of a map by tgid, which mailorigind may read. */
struct mo_snapshot {
  __mo_u64 start_ticks;
  __mo_u64 worker_start_ticks; /* of the process whose origin this was */
  __mo_u32 worker;             /* its tgid; the process itself, where it was registered */
  __mo_u32 uid;                /* in whose share it counts */
  struct mo_origin origin;
  /* Its tag held when the process got it: that day does not end for it. */
  __mo_u32 verified;
  __mo_u32 reserved;
};

enum mo_verdict { mo_allow = 0, mo_observe = 1, mo_deny = 2, mo_redirect = 3 };

enum mo_reason {
  mo_reason_none = 0,
  mo_reason_smtp = 1,       /* MailOriginSmtp */
  mo_reason_local = 2,      /* MailOriginSmtpLocal */
  mo_reason_unverified = 3, /* no context, and the uid may not */
  mo_reason_older = 4,      /* php-fpm's worker is older than the firewall: observed */
  mo_reason_allowed = 5,    /* MailOriginSmtpAllow */
  mo_reason_blocked = 6,    /* mailorigin block */
};

/* One connection to an SMTP port, in the ring buffer. Addresses are IPv6, IPv4
 * ones mapped (::ffff:0:0/96), in network byte order; ports in host order. Its record
 * ends within `origin`, after mo_short_origin bytes of it, where more are not used. */
struct mo_smtp_event {
  __mo_u64 boottime_ns;
  __mo_u64 start_ticks; /* of the process */
  __mo_u64 cookie;      /* of the socket: sock_diag(7) gives the same */
  __mo_u32 tgid;
  __mo_u32 uid;
  __mo_u32 gid;
  __mo_u32 vhost; /* whose policy decided; 0: the server's */
  __mo_u8 verdict;
  __mo_u8 reason;
  __mo_u8 verified; /* the tag's seal held, and its uid */
  __mo_u8 detached; /* the worker that started it is none of its ancestors */
  __mo_u16 port;
  __mo_u16 relay_port; /* redirect: where it went */
  __mo_u8 address[16];
  __mo_u8 relay[16];
  char comm[mo_comm_size];
  /* The program's path, from its name upwards; an empty part ends it. The last is "..."
   * where there are more. */
  char exe[mo_exe_parts][mo_exe_part_size];
  struct mo_origin origin;
};
enum { mo_short_origin = 768 };

/* What mailorigind asks the kernel's mo_tell_opener, and is told in the same place: it is the
 * packet of a BPF_PROG_TEST_RUN. Ends as above: addresses IPv6 or mapped, ports in host order. */
struct mo_opener_question {
  __mo_u8 link_header[16]; /* the kernel wants one; nothing is in it */
  __mo_u8 client[16];
  __mo_u8 server[16];
  __mo_u16 client_port;
  __mo_u16 server_port;
  /* The answer, where the program returns 1. */
  __mo_u32 uid;       /* who connected: not who made the socket */
  __mo_u64 cookie;    /* of the client's socket */
  __mo_u64 opened_ns; /* mo_smtp_event.boottime_ns of this connection's event, if it has one */
};

#endif
