/* The few members of the kernel's structs that the programs read. libbpf puts the
 * running kernel's offsets in when it loads them (CO-RE). */
#ifndef MAILORIGIN_FIREWALL_KERNEL_KERNEL_TYPES_H
#define MAILORIGIN_FIREWALL_KERNEL_KERNEL_TYPES_H

#include <linux/bpf.h>
#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
  const unsigned char* name;
};
struct dentry {
  struct dentry* d_parent;
  struct qstr d_name;
};
struct vfsmount {
  struct dentry* mnt_root;
};
struct mount;
struct mnt_namespace {
  struct mount* root;
};
struct nsproxy {
  struct mnt_namespace* mnt_ns;
};
struct mount {
  struct mount* mnt_parent;
  struct dentry* mnt_mountpoint;
  struct vfsmount mnt;
};
struct path {
  struct vfsmount* mnt;
  struct dentry* dentry;
};
struct inode {
  unsigned long i_ino;
};
struct file {
  struct path f_path;
  struct inode* f_inode;
};
typedef struct {
  unsigned int val;
} kuid_t;
struct user_namespace {
  struct user_namespace* parent;
  int level; /* 0: the first */
  kuid_t owner;
};
struct cred {
  kuid_t uid;
  kuid_t euid;
  struct user_namespace* user_ns;
};
struct mm_struct {
  struct file* exe_file;
};
typedef struct {
  int counter;
} atomic_t;
struct signal_struct {
  atomic_t live;
};
struct task_struct {
  unsigned int flags;
  int pid;
  int tgid;
  __u64 start_boottime;
  struct task_struct* real_parent;
  struct task_struct* group_leader;
  struct mm_struct* mm;
  const struct cred* real_cred;
  const struct cred* cred;
  struct signal_struct* signal;
  struct nsproxy* nsproxy;
  char comm[16];
};

#pragma clang attribute pop

#define PF_KTHREAD 0x00200000

/* These need the types above. */
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#endif
