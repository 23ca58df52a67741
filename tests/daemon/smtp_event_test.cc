// What is read from the records of the firewall's ring buffer.
#include "mailorigind/connections/smtp_event.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>

namespace mailorigin::daemon {
namespace {

mo_smtp_event an_event() {
  mo_smtp_event event{};
  event.tgid = 7;
  const std::string bytes = "contextfilecaller";
  event.origin.context_size = 7;
  event.origin.file_size = 4;
  event.origin.caller_size = 6;
  std::memcpy(event.origin.bytes, bytes.data(), bytes.size());
  return event;
}

std::string_view bytes_of(const mo_smtp_event& event, std::size_t size = sizeof(mo_smtp_event)) {
  return {reinterpret_cast<const char*>(&event), size};
}

TEST(SmtpEvent, ComesInTwoSizes) {
  const mo_smtp_event event = an_event();
  for (const std::size_t size : {sizeof event, short_smtp_event}) {
    const auto read = smtp_event_of(bytes_of(event, size));
    ASSERT_TRUE(read);
    EXPECT_EQ(7U, read->tgid);
    const OriginParts parts = parts_of(read->origin);
    EXPECT_EQ("context", parts.context);
    EXPECT_EQ("file", parts.file);
    EXPECT_EQ("caller", parts.caller);
  }
  for (const std::size_t size : {std::size_t{0}, short_smtp_event - 1, sizeof event - 1}) {
    EXPECT_FALSE(smtp_event_of(bytes_of(event, size))) << size;
  }
}

TEST(SmtpEvent, SizesThatDoNotFitGiveNothing) {
  mo_smtp_event event = an_event();
  constexpr std::size_t room = sizeof event.origin.bytes;
  event.origin.context_size = 0;
  event.origin.file_size = 100;
  event.origin.caller_size = room - 100;
  EXPECT_EQ(room - 100, parts_of(event.origin).caller.size());
  event.origin.caller_size++;
  EXPECT_TRUE(parts_of(event.origin).file.empty());
  EXPECT_TRUE(parts_of(event.origin).caller.empty());
  event = an_event();
  event.origin.context_size = 0xffff;
  EXPECT_TRUE(parts_of(event.origin).context.empty());
}

TEST(SmtpEvent, AProgramsNamesMayFillTheirPlaces) {
  mo_smtp_event event = an_event();
  EXPECT_EQ("", program_name(event));
  EXPECT_EQ("", program_path(event));
  std::memset(event.comm, 'c', sizeof event.comm);
  EXPECT_EQ(std::string(mo_comm_size, 'c'), program_name(event));
  std::strcpy(event.exe[0], "perl");
  std::strcpy(event.exe[1], "bin");
  EXPECT_EQ("/bin/perl", program_path(event));
  std::memset(event.exe, 'e', sizeof event.exe);
  EXPECT_EQ(std::size_t{mo_exe_parts * (mo_exe_part_size + 1)}, program_path(event).size());
}

}  // namespace
}  // namespace mailorigin::daemon
