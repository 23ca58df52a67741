#include "core/unix_socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace mailorigin {
namespace {

namespace fs = std::filesystem;

Deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(5); }

class UnixSocket : public testing::Test {
 protected:
  UnixSocket() {
    std::string pattern = "/tmp/mailorigin-test-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    chmod(directory_.c_str(), 0755);
  }
  ~UnixSocket() override { fs::remove_all(directory_); }

  std::string directory_;
};

class SocketDirectories : public UnixSocket {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root: directories of other users are made";
  }
};

TEST_F(SocketDirectories, AreRootsAndWritableToNobodyElse) {
  EXPECT_TRUE(check_socket_path(directory_ + "/s"));
  chmod(directory_.c_str(), 0777);
  EXPECT_EQ(check_socket_path(directory_ + "/s").error().message,
            directory_ + ": must be writable to root alone (chmod go-w)");
  EXPECT_FALSE(check_way(directory_));
  chmod(directory_.c_str(), 01777);  // enough on the way, not for the socket
  EXPECT_EQ(check_socket_path(directory_ + "/s").error().message,
            directory_ + ": others may create files in it; choose another directory");
  EXPECT_TRUE(check_way(directory_));
  chmod(directory_.c_str(), 0755);

  const std::string tenants = directory_ + "/tenant";
  fs::create_directories(tenants + "/run");
  EXPECT_TRUE(check_socket_path(tenants + "/run/s"));
  ASSERT_EQ(chown(tenants.c_str(), 12345, 12345), 0);
  EXPECT_NE(check_socket_path(tenants + "/run/s").error().message.find("must belong to root"),
            std::string::npos);
  // A tenant's symbolic link leads anywhere it likes, also to a safe place today.
  fs::create_directory_symlink(directory_, tenants + "/link");
  EXPECT_FALSE(check_socket_path(tenants + "/link/s"));
  fs::create_directory_symlink(tenants, directory_ + "/rootlink");
  EXPECT_FALSE(check_socket_path(directory_ + "/rootlink/run/s"));
  EXPECT_FALSE(check_socket_path("relative/s"));
  EXPECT_FALSE(check_socket_path(directory_ + "/none/s"));
  EXPECT_FALSE(check_way("relative"));
  EXPECT_FALSE(check_way(directory_ + "/none"));
}

TEST_F(SocketDirectories, ListenSetsTheModeAndReplacesAnOldSocket) {
  const std::string path = directory_ + "/s";
  for (int round = 0; round < 2; round++) {
    const auto listening = listen_unix(path, 0640, 5);
    ASSERT_TRUE(listening) << listening.error().message;
    struct stat about {};
    stat(path.c_str(), &about);
    EXPECT_EQ(about.st_mode & 07777, 0640U);
  }
  fs::remove(path);
  Fd(open(path.c_str(), O_CREAT | O_WRONLY, 0600));
  EXPECT_NE(listen_unix(path, 0640, 5).error().message.find("not a socket"), std::string::npos);
}

TEST_F(UnixSocket, RefusesAPathThatDoesNotFit) {
  const std::string path = directory_ + "/" + std::string(120, 'x');
  EXPECT_NE(connect_unix(path, soon()).error().message.find("107 bytes"), std::string::npos);
}

TEST_F(UnixSocket, PacketsCarryCredentialsAndDescriptors) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
  const Fd near(pair[0]);
  const Fd far(pair[1]);
  ASSERT_TRUE(enable_credentials(far.get()));
  ASSERT_TRUE(send_packet(near.get(), "hello", soon(), {0, 1}));
  Packet packet;
  ASSERT_EQ(receive_packet(far.get(), packet, 100), Received::packet);
  EXPECT_EQ(packet.bytes, "hello");
  EXPECT_EQ(packet.sender.pid, getpid());
  EXPECT_EQ(packet.sender.uid, geteuid());
  ASSERT_EQ(packet.descriptors.size(), 2U);
  EXPECT_TRUE(fcntl(packet.descriptors[0].get(), F_GETFD) & FD_CLOEXEC);
}

TEST_F(UnixSocket, DropsDescriptorsThatAreNotExpected) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
  const Fd near(pair[0]);
  const Fd far(pair[1]);
  ASSERT_TRUE(enable_credentials(far.get()));
  ASSERT_TRUE(send_packet(near.get(), "hello", soon(), std::vector<int>(200, 0)));
  Packet packet;
  ASSERT_EQ(receive_packet(far.get(), packet, 100, Descriptors::dropped), Received::packet);
  EXPECT_EQ(packet.bytes, "hello");
  EXPECT_EQ(packet.sender.pid, getpid());
  EXPECT_TRUE(packet.descriptors.empty());
}

TEST_F(UnixSocket, WhoConnectsToOneThatRefusesDescriptorsCannotSendAny) {
  const Fd listening(socket(AF_UNIX, SOCK_SEQPACKET, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_EQ(bind(listening.get(), reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)), 0);
  ASSERT_EQ(listen(listening.get(), 1), 0);
  if (!refuse_descriptors(listening.get())) GTEST_SKIP() << "this kernel cannot";
  socklen_t size = sizeof address;
  ASSERT_EQ(getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const Fd near(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0));
  ASSERT_EQ(connect(near.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  int fault = 0;
  EXPECT_FALSE(send_packet(near.get(), "hello", soon(), {0}, &fault));
  EXPECT_EQ(fault, EPERM);
  EXPECT_TRUE(send_packet(near.get(), "hello", soon()));
}

TEST_F(UnixSocket, APacketWithoutCredentialsIsNobodys) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
  const Fd near(pair[0]);
  const Fd far(pair[1]);
  ASSERT_TRUE(send_packet(near.get(), "hello", soon()));
  Packet packet;
  ASSERT_EQ(receive_packet(far.get(), packet, 100), Received::packet);
  EXPECT_EQ(packet.sender.uid, static_cast<uid_t>(-1)) << "not root's";
}

TEST_F(UnixSocket, TellsApartWhatDidNotCome) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
  Fd near(pair[0]);
  const Fd far(pair[1]);
  Packet packet;
  EXPECT_EQ(receive_packet(far.get(), packet, 10), Received::nothing_yet);
  ASSERT_TRUE(send_packet(near.get(), std::string(11, 'x'), soon()));
  EXPECT_EQ(receive_packet(far.get(), packet, 10), Received::too_long);
  near.reset();
  EXPECT_EQ(receive_packet(far.get(), packet, 10, soon()), Received::closed);
}

TEST_F(UnixSocket, SendingStopsAtItsDeadlineWhenNobodyReads) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
  const Fd near(pair[0]);
  const Fd far(pair[1]);
  const std::string large(60'000, 'x');
  bool stopped = false;
  for (int i = 0; i < 100 && !stopped; i++) {
    stopped = !send_packet(near.get(), large,
                           std::chrono::steady_clock::now() + std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace mailorigin
