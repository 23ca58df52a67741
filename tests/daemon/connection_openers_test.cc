// The kernel's program that tells who opened a connection, as the daemon runs it: without any
// capability. What the real one says is in tests/integration/test_milter_opener.py.
#include "mailorigind/connections/connection_openers.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/abi/layout.h"

namespace mailorigin::daemon {
namespace {

constexpr bpf_insn no_operation = {BPF_JMP | BPF_JA, 0, 0, 0, 0};
constexpr std::uint64_t cookie = 77;

// Returns `result`, and tells of a socket with that cookie.
Fd program_of(std::int32_t result) {
  constexpr auto told = static_cast<std::int16_t>(offsetof(mo_opener_question, cookie));
  std::array<bpf_insn, 10> code;
  code.fill(no_operation);
  // r2 = packet->data, r3 = packet->data_end
  code[0] = {BPF_LDX | BPF_MEM | BPF_W, 2, 1, offsetof(__sk_buff, data), 0};
  code[1] = {BPF_LDX | BPF_MEM | BPF_W, 3, 1, offsetof(__sk_buff, data_end), 0};
  code[2] = {BPF_ALU64 | BPF_MOV | BPF_X, 4, 2, 0, 0};
  code[3] = {BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, sizeof(mo_opener_question)};
  code[4] = {BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, result};
  code[5] = {BPF_JMP | BPF_JGT | BPF_X, 4, 3, 2, 0};
  code[6] = {BPF_ALU64 | BPF_MOV | BPF_K, 5, 0, 0, cookie};
  code[7] = {BPF_STX | BPF_MEM | BPF_DW, 2, 5, told, 0};
  code[9] = {BPF_JMP | BPF_EXIT, 0, 0, 0, 0};
  constexpr char license[] = "GPL";
  bpf_attr arguments{};
  arguments.prog_type = BPF_PROG_TYPE_SCHED_CLS;
  arguments.insns = reinterpret_cast<std::uintptr_t>(code.data());
  arguments.insn_cnt = code.size();
  arguments.license = reinterpret_cast<std::uintptr_t>(license);
  return Fd(static_cast<int>(syscall(SYS_bpf, BPF_PROG_LOAD, &arguments, sizeof arguments)));
}

class ConnectionOpenersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "takes root";
  }
};

TEST_F(ConnectionOpenersTest, TellsOfTheSocketThatIsMeant) {
  const auto openers = ConnectionOpeners::of(program_of(1));
  ASSERT_TRUE(openers) << openers.error().message;
  const auto found = openers->find(cookie, {}, {});
  ASSERT_TRUE(found);
  EXPECT_EQ(0U, found->uid);
  EXPECT_FALSE(openers->find(cookie + 1, {}, {})) << "another has these ends by now";
}

TEST_F(ConnectionOpenersTest, WhereNothingIsNotedNothingIsFound) {
  const auto openers = ConnectionOpeners::of(program_of(0));
  ASSERT_TRUE(openers) << openers.error().message;
  EXPECT_FALSE(openers->find(cookie, {}, {}));
}

TEST_F(ConnectionOpenersTest, TakesNoRight) {
  Fd program = program_of(1);
  const pid_t child = fork();
  if (child == 0) {
    const bool nobody = setgid(65534) == 0 && setuid(65534) == 0;
    const auto openers = ConnectionOpeners::of(std::move(program));
    _exit(nobody && openers && openers->find(cookie, {}, {}) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(child, waitpid(child, &status, 0));
  EXPECT_EQ(0, status);
}

TEST_F(ConnectionOpenersTest, WhatIsNoProgramIsRefused) {
  EXPECT_FALSE(ConnectionOpeners::of(Fd(memfd_create("no program", MFD_CLOEXEC))));
  EXPECT_FALSE(ConnectionOpeners::of(Fd()));
}

}  // namespace
}  // namespace mailorigin::daemon
