#include "mod_mailorigin/directive.h"

#include <apr_general.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <string>

namespace mailorigin::httpd {
namespace {

const char* take(cmd_parms*, const char*) { return nullptr; }
const char* refuse(cmd_parms* cmd, const char*) { return wrong(cmd, std::string("what is wrong")); }
const char* run_out(cmd_parms*, const char*, const char*) { throw std::bad_alloc(); }
const char* fail(cmd_parms*, int, char* const[]) { throw std::runtime_error("it failed"); }
const char* throw_something(cmd_parms*, const char*) { throw 1; }

class ADirective : public ::testing::Test {
 protected:
  ADirective() {
    apr_initialize();
    apr_pool_create(&pool_, nullptr);
    command_.name = "MailOriginTest";
    cmd_.pool = pool_;
    cmd_.cmd = &command_;
  }
  ~ADirective() override {
    apr_pool_destroy(pool_);
    apr_terminate();
  }

  apr_pool_t* pool_ = nullptr;
  command_rec command_{};
  cmd_parms cmd_{};
};

TEST_F(ADirective, ReturnsWhatItsSetterSays) {
  EXPECT_EQ(setter<take>(&cmd_, nullptr, "x"), nullptr);
  EXPECT_STREQ(setter<refuse>(&cmd_, nullptr, "x"), "MailOriginTest: what is wrong");
}

TEST_F(ADirective, TurnsWhatItsSetterThrowsIntoItsError) {
  char* const arguments[] = {nullptr};
  EXPECT_STREQ(setter<run_out>(&cmd_, nullptr, "x", nullptr), "MailOriginTest: std::bad_alloc");
  EXPECT_STREQ(setter<fail>(&cmd_, nullptr, 0, arguments), "MailOriginTest: it failed");
  EXPECT_STREQ(setter<throw_something>(&cmd_, nullptr, "x"), "MailOriginTest: unknown exception");
}

}  // namespace
}  // namespace mailorigin::httpd
