/* The firewall in the kernel: the connect hooks of the cgroup, which decide, and
 * the hooks that keep a process's origin with what it starts.
 *
 * The cgroup's programs can be preempted, and run on several processors at once:
 * nothing in them is kept per processor, and the counters are atomic. A verdict is
 * reached before room in the ring buffer is asked for: whether an event can be
 * recorded never changes it. */

#include "kernel_types.h"
#include "maps.h"

/* The kernel's own, whose headers do not go together with those above. */
enum {
  AF_INET = 2,
  SOCK_STREAM = 1,
  SOCK_DGRAM = 2,
  SOL_SOCKET = 1,
  SO_MARK = 36,
  ENOSPC = 28,
  EALREADY = 114,
  ECONNREFUSED = 111,
};

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define MAP(name, map_type, entries, key_type, value_type, flags) \
  struct {                                                        \
    __uint(type, map_type);                                       \
    __uint(max_entries, entries);                                 \
    __uint(map_flags, flags);                                     \
    __type(key, key_type);                                        \
    __type(value, value_type);                                    \
  } name SEC(".maps")

MAP(control, BPF_MAP_TYPE_ARRAY, 1, __u32, struct mo_control, 0);
MAP(configs, BPF_MAP_TYPE_ARRAY, 2, __u32, struct mo_config, 0);
MAP(policies, BPF_MAP_TYPE_HASH, mo_policies_limit, struct mo_policy_key, struct mo_host,
    BPF_F_NO_PREALLOC);
MAP(accounts, BPF_MAP_TYPE_HASH, mo_accounts_limit, struct mo_account_key, struct mo_account,
    BPF_F_NO_PREALLOC);
MAP(allowed, BPF_MAP_TYPE_LPM_TRIE, mo_allowed_limit, struct mo_allowed_key, __u8,
    BPF_F_NO_PREALLOC);
MAP(processes, BPF_MAP_TYPE_HASH, mo_processes_limit, __u32, struct mo_process, BPF_F_NO_PREALLOC);
MAP(snapshots, BPF_MAP_TYPE_HASH, mo_snapshots_limit, __u32, struct mo_snapshot, BPF_F_NO_PREALLOC);
/* A value of nothing but zeroes, of which other maps' values begin: too large for the stack. */
MAP(empty, BPF_MAP_TYPE_ARRAY, 1, __u32, struct mo_snapshot, 0);
/* Both by accountable_uid(). */
MAP(quotas, BPF_MAP_TYPE_LRU_HASH, mo_quotas_limit, struct mo_quota_key, struct mo_quota, 0);
MAP(shares, BPF_MAP_TYPE_HASH, mo_shares_limit, __u32, __s32, BPF_F_NO_PREALLOC);
MAP(all_shares, BPF_MAP_TYPE_ARRAY, 1, __u32, __s32, 0); /* together */
MAP(counters, BPF_MAP_TYPE_ARRAY, 1, __u32, struct mo_counters, 0);

struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct mo_opener);
} openers SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, mo_ring_size);
} events SEC(".maps");

/* What is no inline function here is verified by itself: else the verifier would
 * follow every way through the whole of it, and take a second for that. None is called
 * within a loop, which Linux 6.1 does not take: such a loop is unrolled. */
#define MO_SEPARATE __attribute__((noinline))

MO_INLINE int count(__u32 offset) {
  __u32 first = 0;
  struct mo_counters* all = bpf_map_lookup_elem(&counters, &first);
  if (all) __sync_fetch_and_add((__u64*)((void*)all + offset), 1);
  return 0;
}
#define COUNT(name) count(__builtin_offsetof(struct mo_counters, name))

/* A tag, for whom, when and under which policy's keys it is to hold. */
struct shown {
  __u64 now_ns;
  __u32 uid;
  __u32 generation;
  struct mo_tag tag;
};

/* A connection that is to be judged. */
struct attempt {
  __u64 start_ticks;  /* of the process */
  __u64 cookie;       /* of the socket */
  __u64 page;         /* the origin's, where it is in one; else in a snapshot */
  __u32 origin_bytes; /* of it, as far as they are used */
  __u16 port;
  __u8 is_anothers; /* the tag holds, for another uid */
  __u8 loopback;    /* enum mo_loopback: the destination */
  __u8 address[16];
  struct shown shown;
  struct mo_facts facts;
  struct mo_decision decision;
};

MO_INLINE __u32 own_tgid(void) { return bpf_get_current_pid_tgid() >> 32; }
MO_INLINE __u32 own_gid(const struct mo_facts* facts) {
  return facts->kernel_thread ? MO_NOBODY : bpf_get_current_uid_gid() >> 32;
}

MO_INLINE __u64 start_ticks(struct task_struct* leader) {
  return leader->start_boottime / mo_ns_per_tick;
}

/* A number that Linux 6.1's verifier, too, sees to be within its limit: it loses the
 * bounds of what clang compares in another register than it uses, and of what it swaps
 * the bytes of. */
MO_INLINE __u64 at_most(__u64 number, const __u64 limit) {
  __asm__ volatile(
      "if %[number] <= %[limit] goto +1\n\t"
      "%[number] = %[limit]"
      : [number] "+r"(number)
      : [limit] "i"(limit));
  return number;
}

/* ---- Origins */

/* An origin's beginning, as far as a decision needs it. */
struct origin_head {
  __u16 context_size, file_size, caller_size, reserved;
  __u32 line, reserved_too;
  struct mo_tag tag;
};
struct page_head {
  __u32 sequence;
  __u32 reserved;
  struct origin_head origin;
};

/* Up to the end of what is used of it. */
MO_INLINE __u32 origin_size(__u16 context, __u16 file, __u16 caller) {
  return mo_origin_head + context + file + caller;
}

MO_INLINE void take_head(struct attempt* attempt, const struct origin_head* head) {
  attempt->origin_bytes = origin_size(head->context_size, head->file_size, head->caller_size);
  attempt->shown.tag = head->tag;
}

MO_SEPARATE int mo_verify_tag(struct shown* shown) {
  if (!shown) return 0;
  __u32 slot = shown->generation & 1;
  struct mo_config* config = bpf_map_lookup_elem(&configs, &slot);
  return config &&
         mo_verify(&shown->tag, &config->current, &config->previous, shown->uid, shown->now_ns);
}

/* A page that the kernel is moving cannot be read for some microseconds. */
MO_SEPARATE int mo_comes_back(__u64 page) {
  __u32 sequence;
#pragma clang loop unroll(disable)
  for (int i = 0; i < mo_page_waits; i++) {
    if (!bpf_probe_read_user(&sequence, sizeof(sequence), (void*)page)) return 1;
  }
  return 0;
}

enum tag_found { no_tag, not_verified, verified };

enum { to_be_repeated = -1, page_unreadable = -2 };

/* A tag that is torn, because another thread begins a request, does not verify:
 * only then is the page looked at again. What was found, or one of the above. */
MO_SEPARATE int mo_look_in_page(struct attempt* attempt, __u64 page) {
  if (!attempt) return no_tag;
  struct page_head head;
  __u32 again;
  if (bpf_probe_read_user(&head, sizeof(head), (void*)page)) {
    return mo_comes_back(page) ? to_be_repeated : page_unreadable;
  }
  if (head.sequence & 1) return to_be_repeated;
  if (head.origin.context_size < mo_tag_size) return no_tag;
  take_head(attempt, &head.origin);
  if (mo_verify_tag(&attempt->shown)) return verified;
  return !bpf_probe_read_user(&again, sizeof(again), (void*)page) && again == head.sequence
             ? not_verified
             : to_be_repeated;
}

MO_INLINE enum tag_found find_in_page(struct attempt* attempt, __u64 page) {
  int found = to_be_repeated;
#pragma unroll
  for (int i = 0; i < mo_page_tries; i++) {
    if (found == to_be_repeated) found = mo_look_in_page(attempt, page);
  }
  if (found >= 0) return found;
  COUNT(unreadable);
  return no_tag;
}

MO_SEPARATE int mo_find_tag(struct attempt* attempt) {
  if (!attempt) return no_tag;
  __u32 tgid = own_tgid();
  enum tag_found found = no_tag;
  struct mo_process* process = bpf_map_lookup_elem(&processes, &tgid);
  if (process && process->start_ticks == attempt->start_ticks && process->parts == mo_all_parts) {
    found = find_in_page(attempt, process->page);
    if (found == verified) {
      attempt->page = process->page;
      return found;
    }
  }
  struct mo_snapshot* snapshot = bpf_map_lookup_elem(&snapshots, &tgid);
  if (!snapshot || snapshot->start_ticks != attempt->start_ticks ||
      snapshot->origin.context_size < mo_tag_size) {
    return found;
  }
  take_head(attempt, (const struct origin_head*)&snapshot->origin);
  const struct mo_tag* tag = &attempt->shown.tag;
  if (snapshot->verified) {
    if (tag->uid == MO_ANY_UID || tag->uid == attempt->facts.uid) return verified;
    attempt->is_anothers = 1;
    return not_verified;
  }
  return mo_verify_tag(&attempt->shown) ? verified : not_verified;
}

/* Into `room` bytes. Another thread may have moved on: what is recorded is what was
 * decided by, if need be no more than the tag. */
MO_INLINE void copy_origin(struct mo_origin* to, __u32 room, const struct attempt* attempt,
                           const struct mo_snapshot* snapshot) {
  const __u32 size = attempt->origin_bytes;
  long failed = 1;
  if (size <= room) {
    if (attempt->page) {
      failed =
          bpf_probe_read_user(to, at_most(size, room),
                              (void*)(attempt->page + __builtin_offsetof(struct mo_page, origin)));
    } else if (snapshot) {
      failed = bpf_probe_read_kernel(to, at_most(size, room), &snapshot->origin);
    }
  }
  const __u64* decided = (const __u64*)&attempt->shown.tag;
  const __u64* copied = (const __u64*)to->bytes;
  __u64 difference = failed | (to->context_size < mo_tag_size) |
                     (size ^ origin_size(to->context_size, to->file_size, to->caller_size));
#pragma unroll
  for (int i = 0; i < mo_tag_size / 8; i++) difference |= copied[i] ^ decided[i];
  if (difference) {
    __builtin_memset(to, 0, mo_origin_head);
    to->context_size = mo_tag_size;
    __builtin_memcpy(to->bytes, &attempt->shown.tag, sizeof(attempt->shown.tag));
  }
}

/* ---- Registration */

/* A worker, while it is root, says where its page is, in three parts. */
MO_INLINE int take_registration(struct bpf_sock_addr* ctx, __u32 part) {
  struct task_struct* task = bpf_get_current_task_btf();
  __u32 tgid = bpf_get_current_pid_tgid() >> 32;
  const __u64 start = start_ticks(task->group_leader);
  const __u64 bits = bpf_ntohs((__u16)ctx->user_port);
  long result = -EALREADY;
  if (part == 0) {
    struct mo_process fresh = {.start_ticks = start, .page = bits << 12, .parts = 1};
    if (bpf_map_update_elem(&processes, &tgid, &fresh, BPF_ANY)) {
      COUNT(unregistered_full);
      result = -ENOSPC;
    }
  } else {
    struct mo_process* process = bpf_map_lookup_elem(&processes, &tgid);
    if (!process || process->start_ticks != start || process->parts != (1U << part) - 1) {
      result = -ENOSPC;
    } else {
      process->page |= bits << (12 + 16 * part);
      process->parts |= 1U << part;
      if (process->parts == mo_all_parts) COUNT(registered);
    }
  }
  bpf_set_retval(result);
  return 0;
}

/* Whoever loads these programs anew does not know who had registered before. */
MO_INLINE int tell_registration(void) {
  struct task_struct* task = bpf_get_current_task_btf();
  __u32 tgid = bpf_get_current_pid_tgid() >> 32;
  struct mo_process* process = bpf_map_lookup_elem(&processes, &tgid);
  const int holds = process && process->start_ticks == start_ticks(task->group_leader) &&
                    process->parts == mo_all_parts;
  bpf_set_retval(holds ? -EALREADY : -ENOSPC);
  return 0;
}

/* ---- Accounts */

/* Of a process of root's that acts as a user, as an FTP server does, that user's. */
MO_INLINE __u32 acting_uid(const struct cred* cred) {
  const __u32 uid = cred->uid.val;
  return uid != 0 ? uid : cred->euid.val;
}

/* Whose share it counts in: who made the outermost user namespace in which the process
 * runs, for there one has as many uids as one likes. What root made is root's to number. */
MO_INLINE __u32 accountable_uid(struct task_struct* task) {
  const struct cred* cred = task->real_cred;
  __u32 uid = acting_uid(cred);
  struct user_namespace* namespace = cred->user_ns;
#pragma clang loop unroll(disable)
  for (int i = 0; i < mo_namespaces_limit; i++) {
    if (namespace->level == 0) break;
    const __u32 owner = namespace->owner.val;
    if (owner != 0) uid = owner;
    namespace = namespace->parent;
  }
  return uid;
}

/* ---- Decision */

/* 1: there was room in the bucket, and there is less now. */
MO_INLINE int take_from(__u64* full_at_ns, __u64 now, __u64 taken, __u64 all) {
  const __u64 before = *full_at_ns;
  /* It has been full for some time. Of several threads, one says so. */
  if (before < now) __sync_val_compare_and_swap(full_at_ns, before, now);
  if (__sync_fetch_and_add(full_at_ns, taken) + taken <= now + all) return 1;
  __sync_fetch_and_add(full_at_ns, -taken);
  return 0;
}

/* How much may be taken at once. Where the ring is more than half full it is less, down to
 * nothing: however many uids fill it, there is room for who has taken nothing lately. */
MO_INLINE __u64 burst(__u64 of_each, __u64 unread) {
  const __u64 half = mo_ring_size / 2, whole = of_each * mo_event_burst;
  if (unread <= half) return whole;
  return unread < mo_ring_size ? whole / half * (mo_ring_size - unread) : 0;
}

/* 1: an event of so many shares of the ring may be recorded of this uid and virtual host. */
MO_INLINE int within_quota(const struct mo_quota_key* key, __u32 vhost, __u64 now,
                           __u32 shares_of_ring, __u64 unread) {
  const __u64 each = 1000000000ULL / mo_events_per_second;
  struct mo_quota* quota = bpf_map_lookup_elem(&quotas, key);
  if (!quota) {
    __u32 first = 0;
    struct mo_snapshot* zeroes = bpf_map_lookup_elem(&empty, &first);
    if (!zeroes) return 0;
    bpf_map_update_elem(&quotas, key, zeroes, BPF_NOEXIST);
    quota = bpf_map_lookup_elem(&quotas, key);
    if (!quota) return 0;
  }
  struct mo_vhost_quota* its = 0;
  struct mo_vhost_quota* fullest = &quota->vhosts[0];
#pragma unroll
  for (int i = 0; i < mo_quota_vhosts; i++) {
    struct mo_vhost_quota* at = &quota->vhosts[i];
    if (at->vhost == vhost && at->full_at_ns) its = at;
    if (at->full_at_ns < fullest->full_at_ns) fullest = at;
  }
  if (!its) {
    its = fullest;
    its->vhost = vhost;
    its->full_at_ns = now;
  }
  /* Of what a host has no room for, nothing counts against the user's other hosts. */
  const int has_room =
      take_from(&its->full_at_ns, now, each * shares_of_ring, burst(each, unread)) &&
      take_from(&quota->full_at_ns, now, each / 2 * shares_of_ring, burst(each / 2, unread));
  if (!has_room) __sync_fetch_and_add(&quota->left_out, 1);
  return has_room;
}

MO_INLINE int is_allowed(__u32 generation, __u32 list, __u16 port, const __u8* address) {
  struct mo_allowed_key key = {
      .prefix = mo_allowed_bits, .generation = generation, .list = list, .port = 0};
  __builtin_memcpy(key.address, address, sizeof(key.address));
  key.is_ipv4 = mo_is_mapped(address) != 0;
  if (bpf_map_lookup_elem(&allowed, &key)) return 1;
  key.port = port;
  return bpf_map_lookup_elem(&allowed, &key) != 0;
}

MO_INLINE struct mo_account* account(__u32 generation, __u32 kind, __u32 id) {
  struct mo_account_key key = {.generation = generation, .kind = kind, .id = id};
  return bpf_map_lookup_elem(&accounts, &key);
}

MO_INLINE int may_always(const struct attempt* attempt) {
  const __u32 uid = attempt->facts.uid, gid = own_gid(&attempt->facts);
  __u32 slot = attempt->shown.generation & 1;
  struct mo_config* config = bpf_map_lookup_elem(&configs, &slot);
  if (!config) return 0;
  if (config->users_that_may >> (uid & 63) & 1) {
    struct mo_account* user = account(attempt->shown.generation, mo_account_user, uid);
    if (user && user->may) return 1;
  }
  if (config->groups_that_may >> (gid & 63) & 1) {
    struct mo_account* group = account(attempt->shown.generation, mo_account_group, gid);
    if (group && group->may) return 1;
  }
  return 0;
}

/* enum mo_blocks */
MO_INLINE __u32 blocks_of(__u32 generation) {
  __u32 slot = generation & 1;
  struct mo_config* config = bpf_map_lookup_elem(&configs, &slot);
  return config ? config->blocks : 0;
}

MO_INLINE struct mo_host* host_of(__u32 generation, __u32 vhost) {
  struct mo_policy_key key = {.generation = generation, .vhost = vhost};
  return bpf_map_lookup_elem(&policies, &key);
}

/* A worker of php-fpm: its parent, the master, is root's and runs the same program.
 * What a tenant names php-fpm has no such parent. */
MO_INLINE int is_php_fpm(struct task_struct* task) {
  char name[8] = {};
  struct task_struct* master = task->group_leader->real_parent;
  if (BPF_CORE_READ(master, real_cred, uid.val) != 0 ||
      BPF_CORE_READ(master, mm, exe_file, f_inode) != BPF_CORE_READ(task, mm, exe_file, f_inode)) {
    return 0;
  }
  const unsigned char* from = BPF_CORE_READ(task, mm, exe_file, f_path.dentry, d_name.name);
  bpf_probe_read_kernel(name, 7, from);
  return name[0] == 'p' && name[1] == 'h' && name[2] == 'p' && name[3] == '-' && name[4] == 'f' &&
         name[5] == 'p' && name[6] == 'm';
}

/* The worker that this process comes from is none of its ancestors any more. */
MO_INLINE int is_detached(struct task_struct* task, const struct mo_snapshot* snapshot) {
  struct task_struct* at = task->group_leader;
#pragma clang loop unroll(disable)
  for (int i = 0; i <= mo_ancestors_limit; i++) {
    if ((__u32)at->tgid == snapshot->worker && start_ticks(at) == snapshot->worker_start_ticks) {
      return 0;
    }
    at = at->real_parent->group_leader;
    if (at->tgid <= 1) break;
  }
  return 1;
}

/* There are more names than there is room for: else a path's end would look like one from
 * the root. */
MO_INLINE __u32 cut_exe(struct mo_smtp_event* event) {
  __builtin_memcpy(event->exe[mo_exe_parts - 1], "...", 4);
  return mo_exe_parts;
}

/* The rest of a program's path, from the point where its mount stands. */
MO_INLINE __u32 read_exe_above(struct mo_smtp_event* event, struct mount* mount, struct mount* top,
                               __u32 parts) {
#pragma clang loop unroll(disable)
  for (int mounts = 0; mounts < 4; mounts++) {
    if (mount == top) break;
    struct dentry* dentry = BPF_CORE_READ(mount, mnt_mountpoint);
    struct mount* above = BPF_CORE_READ(mount, mnt_parent);
    if (above == mount) break;
    mount = above;
    struct dentry* root = BPF_CORE_READ(mount, mnt.mnt_root);
#pragma clang loop unroll(disable)
    for (int i = 0; i <= mo_exe_parts; i++) {
      struct dentry* parent = BPF_CORE_READ(dentry, d_parent);
      if (dentry == root || dentry == parent) break;
      if (parts >= mo_exe_parts) return cut_exe(event);
      bpf_probe_read_kernel_str(event->exe[parts], mo_exe_part_size,
                                BPF_CORE_READ(dentry, d_name.name));
      parts++;
      dentry = parent;
    }
  }
  return parts;
}

/* The program's path, from its name upwards: how many parts there are. */
MO_INLINE __u32 read_exe(struct task_struct* task, struct mo_smtp_event* event) {
  __u32 parts = 0;
  struct mm_struct* mm = task->mm;
  if (!mm || !mm->exe_file) return 0;
  struct vfsmount* vfsmount = mm->exe_file->f_path.mnt;
  struct dentry* dentry = mm->exe_file->f_path.dentry;
  struct dentry* root = vfsmount->mnt_root;
#pragma clang loop unroll(disable)
  for (int i = 0; i <= mo_exe_parts; i++) {
    struct dentry* parent = dentry->d_parent;
    if (dentry == root || dentry == parent) break;
    if (i == mo_exe_parts) return cut_exe(event);
    bpf_probe_read_kernel_str(event->exe[i], mo_exe_part_size, dentry->d_name.name);
    parts++;
    dentry = parent;
  }
  if (parts == 0) { /* in no directory: of a memfd */
    bpf_probe_read_kernel_str(event->exe[0], mo_exe_part_size, dentry->d_name.name);
    return 1;
  }
  /* Most often that is the top of its mount namespace, which no chroot changes. */
  struct mount* mount = (void*)vfsmount - __builtin_preserve_field_info(((struct mount*)0)->mnt, 0);
  return read_exe_above(event, mount, task->nsproxy->mnt_ns->root, parts);
}

MO_INLINE void take_comm(struct task_struct* task, char* comm) {
#pragma unroll
  for (int i = 0; i < mo_comm_size; i++) comm[i] = task->comm[i];
}

/* With room for so many bytes of the origin. */
MO_INLINE void write_event(struct mo_smtp_event* event, __u32 room, struct attempt* attempt) {
  struct task_struct* task = bpf_get_current_task_btf();
  const struct mo_facts* facts = &attempt->facts;
  event->boottime_ns = attempt->shown.now_ns;
  event->start_ticks = attempt->start_ticks;
  event->cookie = attempt->cookie;
  event->tgid = own_tgid();
  event->uid = facts->uid;
  event->gid = own_gid(&attempt->facts);
  event->vhost = facts->vhost;
  event->verdict = attempt->decision.verdict;
  event->reason = attempt->decision.reason;
  event->verified = facts->verified;
  event->detached = 0;
  event->port = attempt->port;
  event->relay_port = 0;
  __builtin_memcpy(event->address, attempt->address, sizeof(event->address));
  if (attempt->decision.verdict == mo_redirect) {
    event->relay_port = facts->policy.relay_port;
    __builtin_memcpy(event->relay, facts->policy.relay, sizeof(event->relay));
  } else {
    __builtin_memset(event->relay, 0, sizeof(event->relay));
  }
  take_comm(task, event->comm);
  const __u32 parts = read_exe(task, event);
  if (parts < mo_exe_parts) event->exe[parts][0] = 0;
  if (facts->verified) {
    __u32 tgid = own_tgid();
    struct mo_snapshot* snapshot = attempt->page ? 0 : bpf_map_lookup_elem(&snapshots, &tgid);
    if (snapshot) event->detached = is_detached(task, snapshot);
    copy_origin(&event->origin, room, attempt, snapshot);
  } else {
    __builtin_memset(&event->origin, 0, mo_origin_head);
  }
}

/* Its reader looks by the clock: waking it would cost the connection more than
 * everything else here. */
MO_INLINE int submit(struct mo_smtp_event* event) {
  bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
  COUNT(events);
  return 0;
}

/* The kernel wants to know a record's size before it runs: there are two. */
MO_SEPARATE int mo_record_short(struct attempt* attempt) {
  if (!attempt) return 0;
  struct mo_smtp_event* event = bpf_ringbuf_reserve(
      &events, __builtin_offsetof(struct mo_smtp_event, origin) + mo_short_origin, 0);
  if (!event) return COUNT(events_dropped);
  write_event(event, mo_short_origin, attempt);
  return submit(event);
}

MO_SEPARATE int mo_record_long(struct attempt* attempt) {
  if (!attempt) return 0;
  struct mo_smtp_event* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) return COUNT(events_dropped);
  write_event(event, sizeof(event->origin), attempt);
  return submit(event);
}

enum recording { left_out, as_short, as_long };

/* Whether the event has room, charged to whom it is. Apart from its writing, since the stacks
 * of calls add up. */
MO_SEPARATE int mo_may_record(struct attempt* attempt) {
  if (!attempt) return left_out;
  const struct mo_facts* facts = &attempt->facts;
  const int is_long = facts->verified && attempt->origin_bytes > mo_short_origin &&
                      attempt->origin_bytes <= sizeof(struct mo_origin);
  const __u64 unread = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);
  const struct mo_quota_key key = {.uid = accountable_uid(bpf_get_current_task_btf()),
                                   .is_refused = attempt->decision.verdict == mo_deny};
  if (!within_quota(&key, facts->vhost, attempt->shown.now_ns, is_long ? mo_long_event_shares : 1,
                    unread)) {
    if (unread > mo_ring_size / 2) {
      COUNT(events_dropped);
    } else {
      COUNT(events_capped);
    }
    return left_out;
  }
  return is_long ? as_long : as_short;
}

/* What does not verify for this uid holds for another. */
MO_SEPARATE int mo_shows_anothers(struct attempt* attempt) {
  if (!attempt) return 0;
  if (!attempt->is_anothers) {
    attempt->shown.uid = attempt->shown.tag.uid;
    attempt->is_anothers = mo_verify_tag(&attempt->shown);
    attempt->shown.uid = attempt->facts.uid;
  }
  return attempt->is_anothers;
}

/* Of a uid that is no host's: of whose it may be one of many. Who made the namespace in
 * which it is one, or else for whom was sealed what it shows. */
MO_SEPARATE int mo_stands_for(struct attempt* attempt) {
  if (!attempt) return 0;
  const __u32 uid = attempt->facts.uid, owner = accountable_uid(bpf_get_current_task_btf());
  if (owner != uid) return owner;
  return mo_shows_anothers(attempt) ? attempt->shown.tag.uid : uid;
}

/* `mailorigin block`: its user is, or the host of what it shows, or for whom that was sealed.
 * What a uid without a context may be is in its account's policy. */
MO_SEPARATE int mo_is_blocked(struct attempt* attempt) {
  if (!attempt) return 0;
  const __u32 generation = attempt->shown.generation;
  const __u32 owner = accountable_uid(bpf_get_current_task_btf());
  if (account(generation, mo_account_blocked, attempt->facts.uid) ||
      account(generation, mo_account_blocked, owner)) {
    return 1;
  }
  if (!attempt->facts.verified) {
    if (!mo_shows_anothers(attempt)) return 0;
    if (account(generation, mo_account_blocked, attempt->shown.tag.uid)) return 1;
  }
  struct mo_host* host = host_of(generation, attempt->shown.tag.vhost);
  return host ? host->policy.rule == mo_rule_blocked
              : (blocks_of(generation) & mo_blocks_gone) != 0;
}

/* Of a host that has got another user since then, its former user's processes are none. */
MO_INLINE enum tag_found as_the_host_is_now(struct attempt* attempt, enum tag_found found) {
  if (found != verified) return found;
  struct mo_host* host = host_of(attempt->shown.generation, attempt->shown.tag.vhost);
  if (!host || host->run_as == MO_ANY_UID || host->run_as == attempt->facts.uid) return found;
  return not_verified;
}

/* Who asks, and what for: all that mo_decide() is told. */
MO_SEPARATE int mo_gather(struct attempt* attempt) {
  if (!attempt) return 0;
  struct mo_facts* facts = &attempt->facts;
  const __u32 generation = attempt->shown.generation;
  struct task_struct* task = bpf_get_current_task_btf();
  if (task->flags & PF_KTHREAD) {
    facts->kernel_thread = 1;
    facts->uid = MO_NOBODY;
    return 0;
  }
  if (facts->uid == 0) return 0;
  const __u32 blocks = blocks_of(generation);
  facts->may = may_always(attempt);
  const enum tag_found found = as_the_host_is_now(attempt, mo_find_tag(attempt));
  struct mo_account* also = 0;         /* no more than this allows, either */
  facts->policy.local = mo_local_deny; /* of a policy that two newer ones have replaced meanwhile */
  if (found == verified) {
    facts->verified = 1;
    facts->vhost = attempt->shown.tag.vhost;
  }
  if (facts->may && !blocks) return 0;
  if (found == verified) {
    struct mo_host* host = host_of(generation, facts->vhost);
    if (host) {
      facts->pass = host->off && attempt->shown.tag.flags & mo_tag_pass;
    } else { /* its host is gone, other hosts of its user may be there */
      host = host_of(generation, 0);
      also = account(generation, mo_account_user, facts->uid);
      if (!also) also = account(generation, mo_account_user, mo_stands_for(attempt));
    }
    if (host) facts->policy = host->policy;
  } else {
    if (found == not_verified) COUNT(unverified);
    struct mo_account* user = account(generation, mo_account_user, facts->uid);
    if (user) {
      facts->by_uid = user->has_vhost;
      facts->vhost = user->vhost;
      facts->policy = user->policy;
    } else {
      __u32 slot = generation & 1;
      struct mo_config* config = bpf_map_lookup_elem(&configs, &slot);
      if (config) facts->policy = config->nobodys;
      also = account(generation, mo_account_user, mo_stands_for(attempt));
    }
  }
  if (!facts->verified && !facts->by_uid) {
    __u32 first = 0, tgid = own_tgid();
    struct mo_control* in_force = bpf_map_lookup_elem(&control, &first);
    struct mo_process* process = bpf_map_lookup_elem(&processes, &tgid);
    facts->older = in_force && attempt->start_ticks < in_force->first_loaded_ticks &&
                   attempt->shown.now_ns / mo_ns_per_tick < in_force->older_until_ticks &&
                   !(process && process->start_ticks == attempt->start_ticks) && is_php_fpm(task);
  }
  facts->loopback = attempt->loopback;
  if (facts->policy.list && facts->loopback != mo_is_the_loopbacks) {
    facts->listed = is_allowed(generation, facts->policy.list, attempt->port, attempt->address);
    if (also) {
      facts->listed = facts->listed && also->policy.list &&
                      is_allowed(generation, also->policy.list, attempt->port, attempt->address);
    }
  }
  if (also) mo_narrow(&facts->policy, &also->policy);
  if (blocks && mo_is_blocked(attempt)) facts->policy.rule = mo_rule_blocked;
  return 0;
}

/* What passes here carries the mark without which nftables lets nothing out. */
MO_INLINE void set_mark(struct bpf_sock_addr* ctx, const struct mo_config* config, int marked) {
  struct bpf_sock* sk = ctx->sk;
  const __u32 old = sk ? sk->mark : 0;
  int mark = (old & ~config->mark_mask) | (marked ? config->mark : 0);
  if ((__u32)mark != old) bpf_setsockopt(ctx, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
}

/* To 0.0.0.0 means to the address that the socket is bound to, or its device's; or to the
 * loopback's where it is neither, but also where the device has no other, and where what it is
 * bound to is no address to send from. */
MO_INLINE enum mo_loopback leads_to_loopback(const struct bpf_sock_addr* ctx, const __u8* address) {
  const struct bpf_sock* sk = ctx->sk;
  const __u32 nowhere = 0;
  if (!mo_is_loopback(address)) return mo_not_loopback;
  if (!mo_is_mapped(address) || *(const __u32*)(const void*)(address + 12) != nowhere ||
      (sk->bound_dev_if == 0 && (sk->src_ip4 == 0 || (sk->src_ip4 & 0xff) == 127))) {
    return mo_is_the_loopbacks;
  }
  return mo_may_be_loopback;
}

/* Kept with its socket. 0: there is no memory for it. */
MO_INLINE int note_opener(struct bpf_sock_addr* ctx, struct attempt* attempt) {
  struct mo_opener* opener = bpf_sk_storage_get(&openers, ctx->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
  if (!opener) return 0;
  const struct mo_facts* facts = &attempt->facts;
  opener->cookie = attempt->cookie;
  opener->opened_ns = attempt->shown.now_ns;
  opener->generation = attempt->shown.generation;
  opener->uid = facts->uid;
  opener->gid = own_gid(facts);
  opener->owner =
      facts->verified ? accountable_uid(bpf_get_current_task_btf()) : (__u32)mo_stands_for(attempt);
  opener->vhost = facts->vhost;
  opener->shown = !facts->verified && mo_shows_anothers(attempt);
  opener->shown_uid = attempt->shown.tag.uid;
  opener->shown_vhost = attempt->shown.tag.vhost;
  opener->verified = facts->verified;
  opener->pass = facts->verified && attempt->shown.tag.flags & mo_tag_pass;
  opener->reason = attempt->decision.reason;
  return 1;
}

MO_INLINE int decide(struct bpf_sock_addr* ctx, int ipv6) {
  __u32 first = 0;
  const __u16 port = bpf_ntohs((__u16)ctx->user_port);
  if (ctx->type != SOCK_STREAM) {
    if (ipv6 || ctx->type != SOCK_DGRAM) return 1;
    const __u32 part = bpf_ntohl(ctx->user_ip4) - mo_registration_address;
    if (part == mo_registration_parts) return tell_registration();
    if (part > mo_registration_parts || (__u32)bpf_get_current_uid_gid() != 0) return 1;
    return take_registration(ctx, part);
  }
  struct mo_control* in_force = bpf_map_lookup_elem(&control, &first);
  if (!in_force) return 1;
  const __u32 generation = in_force->generation;
  __u32 slot = generation & 1;
  struct mo_config* config = bpf_map_lookup_elem(&configs, &slot);
  if (!config || config->mode == mo_mode_off || !config->is_smtp[at_most(port, 65535)]) return 1;

  struct task_struct* task = bpf_get_current_task_btf();
  const __u32 uid = acting_uid(task->cred);
  struct attempt attempt = {
      .start_ticks = start_ticks(task->group_leader),
      .cookie = bpf_get_socket_cookie(ctx),
      .port = port,
      .shown = {.now_ns = bpf_ktime_get_boot_ns(), .uid = uid, .generation = generation},
      .facts = {.uid = uid, .mode = config->mode, .ipv6 = ipv6},
  };
  __u32* address = (__u32*)(void*)attempt.address;
  if (ipv6) {
    address[0] = ctx->user_ip6[0];
    address[1] = ctx->user_ip6[1];
    address[2] = ctx->user_ip6[2];
    address[3] = ctx->user_ip6[3];
  } else {
    address[2] = bpf_htonl(0xffff);
    address[3] = ctx->user_ip4;
  }
  attempt.loopback = leads_to_loopback(ctx, attempt.address);
  mo_gather(&attempt);
  attempt.decision = mo_decide(&attempt.facts);
  /* Of what nobody could tell afterwards whose it is, nothing is let out. */
  if (attempt.decision.verdict != mo_deny && !note_opener(ctx, &attempt) && uid != 0) {
    attempt.decision.verdict = mo_deny;
    attempt.decision.record = 1;
  }
  if (attempt.decision.record) {
    const int recording = mo_may_record(&attempt);
    if (recording == as_long) mo_record_long(&attempt);
    if (recording == as_short) mo_record_short(&attempt);
  }

  const struct mo_decision decision = attempt.decision;
  if (decision.verdict == mo_deny) {
    COUNT(denied);
    set_mark(ctx, config, 0);
    bpf_set_retval(-ECONNREFUSED);
    return 0;
  }
  set_mark(ctx, config, 1);
  if (decision.verdict == mo_allow) {
    COUNT(allowed);
  } else if (decision.verdict == mo_observe) {
    COUNT(observed);
    if (decision.reason == mo_reason_older) COUNT(older);
  } else {
    COUNT(redirected);
    const __u32* relay = (const __u32*)(const void*)attempt.facts.policy.relay;
    if (ipv6) {
      ctx->user_ip6[0] = relay[0];
      ctx->user_ip6[1] = relay[1];
      ctx->user_ip6[2] = relay[2];
      ctx->user_ip6[3] = relay[3];
    } else {
      ctx->user_ip4 = relay[3];
    }
    ctx->user_port = bpf_htons(attempt.facts.policy.relay_port);
  }
  return 1;
}

SEC("cgroup/connect4") int mo_connect4(struct bpf_sock_addr* ctx) { return decide(ctx, 0); }
SEC("cgroup/connect6") int mo_connect6(struct bpf_sock_addr* ctx) { return decide(ctx, 1); }

/* Attached nowhere: mailorigind, which may not read what is kept with a socket, runs it with a
 * question for a packet. The network namespace is the one that it runs in. */
SEC("tc") int mo_tell_opener(struct __sk_buff* packet) {
  struct mo_opener_question* question = (void*)(long)packet->data;
  if ((void*)(question + 1) > (void*)(long)packet->data_end) return 0;
  /* As in a packet that the client gets. */
  struct bpf_sock_tuple ends = {};
  __u32 size = sizeof(ends.ipv6);
  if (mo_is_mapped(question->client)) {
    size = sizeof(ends.ipv4);
    __builtin_memcpy(&ends.ipv4.saddr, question->server + 12, sizeof(ends.ipv4.saddr));
    __builtin_memcpy(&ends.ipv4.daddr, question->client + 12, sizeof(ends.ipv4.daddr));
    ends.ipv4.sport = bpf_htons(question->server_port);
    ends.ipv4.dport = bpf_htons(question->client_port);
  } else {
    __builtin_memcpy(ends.ipv6.saddr, question->server, sizeof(ends.ipv6.saddr));
    __builtin_memcpy(ends.ipv6.daddr, question->client, sizeof(ends.ipv6.daddr));
    ends.ipv6.sport = bpf_htons(question->server_port);
    ends.ipv6.dport = bpf_htons(question->client_port);
  }
  struct bpf_sock* sk = bpf_sk_lookup_tcp(packet, &ends, size, BPF_F_CURRENT_NETNS, 0);
  if (!sk) return 0;
  const struct mo_opener* opener = bpf_sk_storage_get(&openers, sk, 0, 0);
  if (opener) {
    question->uid = opener->uid;
    question->cookie = opener->cookie;
    question->opened_ns = opener->opened_ns;
  }
  bpf_sk_release(sk);
  return opener != 0;
}

/* ---- Descendants */

/* Of `snapshots`. mailorigin-firewall takes counters at zero away, now and then: whoever
 * forks at that moment is missed, and so some may have one more, and none are lost. */
MO_INLINE void return_share(__u32 uid) {
  __u32 first = 0;
  __s32* taken = bpf_map_lookup_elem(&shares, &uid);
  __s32* all = bpf_map_lookup_elem(&all_shares, &first);
  if (taken) __sync_fetch_and_add(taken, -1);
  if (all) __sync_fetch_and_add(all, -1);
}

/* 1: the uid may have one more, and has it now. */
MO_INLINE int take_share(__u32 uid) {
  __u32 first = 0;
  __s32* all = bpf_map_lookup_elem(&all_shares, &first);
  __s32* taken = bpf_map_lookup_elem(&shares, &uid);
  if (!taken) {
    __s32 none = 0;
    bpf_map_update_elem(&shares, &uid, &none, BPF_NOEXIST);
    taken = bpf_map_lookup_elem(&shares, &uid);
  }
  if (!taken || !all) return 0;
  const __s32 its = __sync_fetch_and_add(taken, 1), everybodys = __sync_fetch_and_add(all, 1);
  if (mo_has_room(its, everybodys, mo_inherited_limit)) return 1;
  return_share(uid);
  return 0;
}

MO_INLINE void delete_snapshot(__u32 tgid) {
  struct mo_snapshot* snapshot = bpf_map_lookup_elem(&snapshots, &tgid);
  if (!snapshot) return;
  const __u32 uid = snapshot->uid;
  const int inherited = mo_is_inherited(snapshot, tgid);
  if (bpf_map_delete_elem(&snapshots, &tgid) == 0 && inherited) return_share(uid);
}

/* The child's own copy: its worker goes on to other requests. */
MO_INLINE struct mo_snapshot* new_snapshot(__u32 tgid, const struct mo_snapshot* like) {
  const __u32 uid = accountable_uid(bpf_get_current_task_btf());
  /* While one program replaces another both see the fork, and it counts once. */
  delete_snapshot(tgid);
  if (!take_share(uid)) {
    COUNT(unregistered_full);
    return 0;
  }
  if (bpf_map_update_elem(&snapshots, &tgid, like, BPF_ANY)) {
    return_share(uid);
    COUNT(unregistered_full);
    return 0;
  }
  struct mo_snapshot* fresh = bpf_map_lookup_elem(&snapshots, &tgid);
  if (fresh) fresh->uid = uid;
  return fresh;
}

/* 1: the page's origin is in `to`; what is behind its sizes there is nothing. */
MO_SEPARATE int mo_copy_page(__u64 page, struct mo_origin* to) {
  struct {
    __u32 sequence, reserved;
    __u16 context_size, file_size, caller_size;
  } head;
  __u32 after;
  if (!to) return 0;
  if (bpf_probe_read_user(&head, sizeof(head), (void*)page)) {
    return mo_comes_back(page) ? to_be_repeated : page_unreadable;
  }
  if (head.sequence & 1) return to_be_repeated;
  const __u32 size = origin_size(head.context_size, head.file_size, head.caller_size);
  if (size > sizeof(*to) || head.context_size < mo_tag_size) return page_unreadable;
  if (bpf_probe_read_user(to, at_most(size, sizeof(*to)),
                          (void*)(page + __builtin_offsetof(struct mo_page, origin)))) {
    return to_be_repeated;
  }
  return !bpf_probe_read_user(&after, sizeof(after), (void*)page) && after == head.sequence
             ? 1
             : to_be_repeated;
}

MO_INLINE int read_page(__u64 page, struct mo_origin* to) {
  int copied = to_be_repeated;
#pragma unroll
  for (int i = 0; i < mo_page_tries; i++) {
    if (copied == to_be_repeated) copied = mo_copy_page(page, to);
  }
  if (copied == 1) return 1;
  COUNT(unreadable);
  return 0;
}

/* For the current process. */
MO_INLINE int verify_now(const struct mo_origin* origin) {
  __u32 first = 0;
  struct mo_control* in_force = bpf_map_lookup_elem(&control, &first);
  if (!in_force) return 0;
  struct shown shown = {.now_ns = bpf_ktime_get_boot_ns(),
                        .uid = bpf_get_current_uid_gid(),
                        .generation = in_force->generation};
  shown.tag = ((const struct origin_head*)origin)->tag;
  return mo_verify_tag(&shown);
}

/* -1: the parent has no page, or no request is running. Else the child is done with. */
MO_INLINE int inherit_from_page(__u32 parent, __u64 start, __u32 child, __u64 child_start) {
  struct mo_process* process = bpf_map_lookup_elem(&processes, &parent);
  if (!process) return -1;
  if (process->start_ticks != start || process->parts != mo_all_parts) return -1;
  __u16 size = 0;
  __u32 first = 0;
  const void* origin = (void*)(process->page + __builtin_offsetof(struct mo_page, origin));
  if (bpf_probe_read_user(&size, sizeof(size), origin) &&
      (!mo_comes_back(process->page) || bpf_probe_read_user(&size, sizeof(size), origin))) {
    COUNT(unreadable);
    return -1;
  }
  if (size < mo_tag_size) return -1;
  struct mo_snapshot* zeroes = bpf_map_lookup_elem(&empty, &first);
  if (!zeroes) return 0;
  struct mo_snapshot* fresh = new_snapshot(child, zeroes);
  if (!fresh) return 0;
  if (!read_page(process->page, &fresh->origin)) {
    delete_snapshot(child);
    return 0;
  }
  fresh->verified = verify_now(&fresh->origin);
  fresh->worker = parent;
  fresh->worker_start_ticks = start;
  fresh->start_ticks = child_start;
  COUNT(inherited);
  return 0;
}

/* Two questions are all that an unrelated fork costs. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(mo_fork, struct task_struct* parent, struct task_struct* child) {
  __u32 parent_tgid = parent->tgid, child_tgid = child->tgid;
  if (parent_tgid == child_tgid) return 0; /* a thread */
  /* What root starts is root's own doing, whatever it was asked for by: a service that is
   * started anew from a request would be that request's for as long as it runs. */
  if ((__u32)bpf_get_current_uid_gid() == 0) return 0;
  const __u64 start = start_ticks(parent->group_leader);
  const __u64 child_start = child->start_boottime / mo_ns_per_tick;
  if (inherit_from_page(parent_tgid, start, child_tgid, child_start) == 0) return 0;
  struct mo_snapshot* snapshot = bpf_map_lookup_elem(&snapshots, &parent_tgid);
  if (!snapshot || snapshot->start_ticks != start) return 0;
  struct mo_snapshot* fresh = new_snapshot(child_tgid, snapshot);
  if (!fresh) return 0;
  fresh->start_ticks = child_start;
  COUNT(inherited);
  return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(mo_exit, struct task_struct* task) {
  if (task->signal->live.counter > 0) return 0; /* others of its threads go on */
  __u32 tgid = task->tgid;
  /* Asking takes no lock. */
  if (bpf_map_lookup_elem(&processes, &tgid)) bpf_map_delete_elem(&processes, &tgid);
  delete_snapshot(tgid);
  return 0;
}
