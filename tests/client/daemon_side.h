// What asks, with the test in the daemon's place.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>

#include "core/unix_socket.h"
#include "core/wire/asking.h"

namespace mailorigin::client {

using std::chrono::milliseconds;

inline Deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(5); }

class DaemonSide : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root: the socket's directory must be root's";
    std::string pattern = "/tmp/mailorigin-test-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    chmod(directory_.c_str(), 0755);
    path_ = directory_ + "/s";
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  void listen() { listening_ = std::move(*listen_unix(path_, 0600, 5)); }

  Fd accepted() {
    for (int i = 0; i < 5000; i++) {
      Fd connection(accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (connection) return connection;
      std::this_thread::sleep_for(milliseconds(1));
    }
    ADD_FAILURE() << "nobody connected";
    return {};
  }

  static Question received(const Fd& connection) {
    Packet packet;
    EXPECT_EQ(receive_packet(connection.get(), packet, packet_limit, soon()), Received::packet);
    auto question = decode_question(packet.bytes);
    EXPECT_TRUE(question);
    return *std::move(question);
  }

  static void answer(const Fd& connection, const Question& question, Answer answer) {
    answer.nonce = question.nonce;
    EXPECT_TRUE(send_packet(connection.get(), encode_answer(answer), soon()));
  }
  static void answer(const Fd& connection, const Question& question, const std::string& id) {
    Answer given;
    given.id = id;
    answer(connection, question, given);
  }

  std::string directory_;
  std::string path_;
  Fd listening_;
};

}  // namespace mailorigin::client
