#include "fpm_plugin/firewall_page.h"

#include <linux/mempolicy.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "core/abi/layout.h"
#include "core/base64url.h"
#include "core/context.h"
#include "core/fd.h"
#include "fpm_plugin/module_state.h"
#include "fpm_plugin/once_a_second.h"
#include "fpm_plugin/php_api.h"
#include "fpm_plugin/smtp_connections.h"
#include "fpm_plugin/stack.h"

namespace mailorigin::php {

namespace {

constexpr std::size_t page_size = 4096;
static_assert(sizeof(mo_page) <= page_size);

// Several requests of one process at once: one page cannot tell them apart.
#ifdef ZTS
constexpr bool serves_in_threads = true;
#else
constexpr bool serves_in_threads = false;
#endif

mo_page* page = nullptr;
pid_t known_as = 0;  // the process that the firewall knows by `page`
OnceASecond look;
bool is_withdrawn = true;
bool has_connected = false;  // this request, by a function that is known to connect

bool is_known() { return page != nullptr && known_as == getpid(); }

mo_page* new_page() {
  void* const memory =
      mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  // The kernel reads it where it cannot wait for a page to come back: it is not
  // swapped out, and the balancing of NUMA nodes, which takes pages away for a
  // moment to see who uses them, leaves alone what has a policy of its own.
  (void)mlock(memory, page_size);
  (void)syscall(SYS_mbind, memory, page_size, MPOL_LOCAL, nullptr, 0, 0);
  std::memset(memory, 0, page_size);
  return static_cast<mo_page*>(memory);
}

// What the kernel's program answers, an errno value: EALREADY to what it knows, ENOSPC to
// what it does not. Without it, the datagram socket is connected to nowhere and closed.
int tell_kernel(const Fd& socket, unsigned part, std::uint16_t number) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(static_cast<std::uint32_t>(mo_registration_address) + part);
  name.sin_port = htons(number);
  if (!socket) return errno;
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0) return 0;
  return errno;
}

Fd datagram_socket() { return Fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }

bool register_as_root(const mo_page* address) {
  const Fd socket = datagram_socket();
  const std::uint64_t number = reinterpret_cast<std::uintptr_t>(address) / page_size;
  for (unsigned part = 0; part < mo_registration_parts; part++) {
    const auto bits = static_cast<std::uint16_t>(number >> (16 * part));
    if (tell_kernel(socket, part, bits) != EALREADY) return false;
  }
  return true;
}

// EALREADY or ENOSPC; anything else where there is no firewall.
int ask_kernel() { return tell_kernel(datagram_socket(), mo_registration_parts, 0); }

extern "C" void in_child() {
  // What the parent had, if it had anything, is the parent's.
  page = nullptr;
  look.reset();
  is_withdrawn = true;
  if (geteuid() != 0) return;
  page = new_page();
  if (page == nullptr) return;
  if (register_as_root(page)) {
    known_as = getpid();
  } else {
    munmap(page, page_size);
    page = nullptr;
  }
}

template <class Write>
void write(Write change) {
  const std::atomic_ref<std::uint32_t> sequence(page->sequence);
  const std::uint32_t before = sequence.load(std::memory_order_relaxed);
  sequence.store(before + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  change(page->origin);
  sequence.store(before + 2, std::memory_order_release);
}

std::string_view end_of(std::string_view text) {
  constexpr std::size_t limit = mo_file_size;
  return text.substr(text.size() - std::min(text.size(), limit));
}

void forget_call(mo_origin& origin) {
  origin.line = 0;
  origin.file_size = origin.caller_size = 0;
}

// By its context, with the daemon, wherever its socket is.
void register_with_daemon(ModuleState& state) {
  if (page == nullptr) page = new_page();
  if (page == nullptr) return;
  Registration registration;
  registration.context = state.request.context;
  registration.page = reinterpret_cast<std::uintptr_t>(page);
  const auto& conduct = state.settings.conduct;
  // A request waits no longer for a slow daemon than for one that is restarted.
  const client::Patience patience{conduct.patience.absent, conduct.patience.absent};
  const client::Reply reply = state.asker.register_process(conduct.socket, registration, patience);
  if (reply.answer && reply.answer->verdict == Verdict::allow) known_as = getpid();
}

}  // namespace

void register_workers_at_fork() {
  // glibc forgets the handler when this library is unloaded.
  if (geteuid() == 0) pthread_atfork(nullptr, nullptr, in_child);
}

void publish_request(ModuleState& state) noexcept {
  if (serves_in_threads) return;
  try {
    if (!state.request.context.empty() && look.is_due()) {
      const int answer = ask_kernel();
      // A firewall that was taken out and put back begins with nobody.
      if (answer != EALREADY) known_as = 0;
      if (!is_known() && (answer == EALREADY || answer == ENOSPC)) register_with_daemon(state);
    }
    if (!is_known()) return;
    const std::string context = base64url_decode(state.request.context).value_or("");
    const std::string_view shown = context_for_firewall(context);
    write([&](mo_origin& origin) {
      origin.context_size = static_cast<std::uint16_t>(shown.size());
      forget_call(origin);
      std::copy(shown.begin(), shown.end(), origin.bytes);
    });
    is_withdrawn = false;
  } catch (...) {  // no memory: the request goes on unknown
  }
}

void withdraw_request() {
  if (!is_published()) return;
  is_withdrawn = true;
  write([](mo_origin& origin) {
    origin.context_size = 0;
    forget_call(origin);
  });
  // Whatever is kept for later requests may be a connection, whoever opened it.
  const bool keeps = zend_hash_num_elements(&EG(persistent_list)) != 0;
  if (std::exchange(has_connected, false) || keeps) end_smtp_connections();
}

bool is_published() { return !is_withdrawn && is_known(); }

void expect_connection() { has_connected = true; }

void publish_call(std::string_view file, std::uint64_t line, std::string_view caller) {
  file = end_of(file);
  caller = end_of(caller);
  write([&](mo_origin& origin) {
    origin.line = static_cast<std::uint32_t>(std::min<std::uint64_t>(line, UINT32_MAX));
    origin.file_size = static_cast<std::uint16_t>(file.size());
    origin.caller_size = static_cast<std::uint16_t>(caller.size());
    std::uint8_t* const behind = origin.bytes + origin.context_size;
    std::copy(caller.begin(), caller.end(), std::copy(file.begin(), file.end(), behind));
  });
}

void withdraw_call() {
  if (is_published()) write(forget_call);
}

}  // namespace mailorigin::php
