#include "core/default_paths.h"

#include <gtest/gtest.h>

#include "core/socket_paths.h"

namespace mailorigin {
namespace {

TEST(DefaultPaths, BelongTogether) {
  EXPECT_EQ(question_socket(default_runtime_directory), default_question_socket);
  EXPECT_EQ(kept_policy(firewall_state_directory(default_state_directory)),
            "/var/lib/mailorigin-firewall/policy");
}

}  // namespace
}  // namespace mailorigin
