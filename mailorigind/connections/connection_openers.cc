#include "mailorigind/connections/connection_openers.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>

#include "core/abi/layout.h"

namespace mailorigin::daemon {

namespace {

// What the program returns; below 0, and errno, where it cannot be run.
int ask(const Fd& program, mo_opener_question& question) {
  bpf_attr arguments{};
  arguments.test.prog_fd = static_cast<std::uint32_t>(program.get());
  arguments.test.data_in = arguments.test.data_out = reinterpret_cast<std::uintptr_t>(&question);
  arguments.test.data_size_in = arguments.test.data_size_out = sizeof question;
  if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &arguments, sizeof arguments) != 0) return -1;
  return static_cast<int>(arguments.test.retval);
}

}  // namespace

Result<ConnectionOpeners> ConnectionOpeners::of(Fd program) {
  mo_opener_question nobodys{};
  if (ask(program, nobodys) < 0) return system_error("the firewall's program of openers", errno);
  return ConnectionOpeners(std::move(program));
}

std::optional<Opener> ConnectionOpeners::find(std::uint64_t cookie, const TcpEnd& client,
                                              const TcpEnd& server) const {
  mo_opener_question question{};
  std::copy(client.address.begin(), client.address.end(), std::begin(question.client));
  std::copy(server.address.begin(), server.address.end(), std::begin(question.server));
  question.client_port = client.port;
  question.server_port = server.port;
  if (ask(program_, question) != 1 || question.cookie != cookie) return std::nullopt;
  return Opener{question.uid, question.opened_ns};
}

}  // namespace mailorigin::daemon
