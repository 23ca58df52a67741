// The programs of kernel/firewall.bpf.c, as bpftool embeds them.
#pragma once

// Not ours to write: it is generated.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wshadow"
#include "firewall_bpf_skeleton.h"
#pragma GCC diagnostic pop
