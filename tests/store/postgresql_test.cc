// What is PostgreSQL's alone.
#include <gtest/gtest.h>

#include <string>

#include "store/schema.h"
#include "store/writer.h"
#include "tests/store/samples.h"

namespace mailorigin::store {

namespace {

using testing::must;
using testing::must_not_fail;

class PostgresStore : public testing::StoreTest {};
INSTANTIATE_TEST_SUITE_P(Databases, PostgresStore, ::testing::Values("pgsql"));

TEST_P(PostgresStore, NeedsADatabaseThatTakesEveryCharacter) {
  must_not_fail(raw()->run(
      "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"));
  std::string of_latin = params();
  of_latin.replace(of_latin.find("dbname=") + 7, std::string::npos, "latin");
  const auto writer = Writer::open(driver(), of_latin, "journal");
  ASSERT_FALSE(writer);
  EXPECT_NE(writer.error().message.find("LATIN1"), std::string::npos) << writer.error().message;
}

TEST_P(PostgresStore, HasNoStatementCompiled) {
  for (const auto settle : {settle_writer, settle_reader}) {
    const auto database = raw();
    must_not_fail(database->run("SET jit = on"));
    must_not_fail(settle(*database));
    EXPECT_EQ(must(database->select("SELECT current_setting('jit')")).at(0).at(0), "off");
  }
}

}  // namespace

}  // namespace mailorigin::store
