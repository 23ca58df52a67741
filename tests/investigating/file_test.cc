// A file as it lies there, and what lies beside it.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "investigating/file_facts.h"
#include "investigating/place.h"

namespace mailorigin::investigating {

namespace {

class Files : public ::testing::Test {
 protected:
  Files() {
    char name[] = "/tmp/mailorigin-files-XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~Files() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text = "x") const {
    const std::string path = directory_ + '/' + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }
  static OpenFile open(const std::string& path) {
    OpenFile::Fault fault{};
    auto file = OpenFile::open(path, fault);
    EXPECT_TRUE(file) << path;
    return *std::move(file);
  }
  static OpenFile::Fault fault_of(const std::string& path) {
    OpenFile::Fault fault{};
    EXPECT_FALSE(OpenFile::open(path, fault));
    return fault;
  }
  std::vector<std::string> signs(const std::string& path,
                                 const std::optional<Httpd>& httpd = {}) const {
    const OpenFile file = open(path);
    return place_signs(file, *place_of(file), true, httpd);
  }
  std::string directory_;
};

bool has(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

TEST_F(Files, AreOpenedOnlyIfTheyAreSome) {
  const std::string file = write("file");
  const std::string fifo = directory_ + "/fifo", link = directory_ + "/link";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  ASSERT_EQ(symlink(file.c_str(), link.c_str()), 0);
  for (const std::string& path : {fifo, link, directory_, std::string("/dev/null")}) {
    EXPECT_EQ(fault_of(path), OpenFile::Fault::no_file) << path;
  }
  EXPECT_EQ(fault_of(directory_ + "/none"), OpenFile::Fault::missing);
  EXPECT_EQ(fault_of(file + "/below"), OpenFile::Fault::missing);
  EXPECT_EQ(open(file).path(), file);
  EXPECT_EQ(open(directory_ + "/./file").path(), file);
  EXPECT_EQ(open(write("with\nnewline\033[31m")).path(), directory_ + "/with\nnewline\033[31m");
}

TEST_F(Files, AreReadUpToALimit) {
  const OpenFile file = open(write("file", std::string(1'000'000, 'x')));
  std::size_t size = 0;
  const auto take = [&](std::string_view bytes) { size += bytes.size(); };
  EXPECT_TRUE(file.read(1'000'000, take));
  EXPECT_EQ(size, 1'000'000U);
  EXPECT_FALSE(file.read(999'999, take));
  EXPECT_FALSE(file.has_changed());
  std::ofstream(directory_ + "/file", std::ios::app) << "y";
  EXPECT_TRUE(file.has_changed());
}

TEST_F(Files, ThatAreMovedAwayHaveNoPlace) {
  const std::string path = write("up/file");
  const OpenFile file = open(path);
  EXPECT_TRUE(place_of(file));
  std::filesystem::remove(path);
  write("up/file");
  EXPECT_FALSE(place_of(file));
}

TEST_F(Files, HaveSignsByTheirPlace) {
  EXPECT_TRUE(has(signs(write("a/wp-content/Uploads/2026/x.php")), "uploads-directory"));
  EXPECT_TRUE(has(signs(write("a/cache/x.php")), "cache-directory"));
  EXPECT_FALSE(has(signs(write("a/plain/x.php")), "uploads-directory"));
  EXPECT_TRUE(has(signs(write("a/plain/.x.php")), "hidden"));
  EXPECT_TRUE(has(signs(write("a/plain/wp-login.php")), "like-a-core-file"));
  write("wp/wp-includes/x"), write("wp/wp-load.php");
  EXPECT_FALSE(has(signs(write("wp/wp-login.php")), "like-a-core-file"));
  EXPECT_TRUE(has(signs(write("wp/wp-logln.php")), "like-a-core-file"));
  const std::string open_to_all = write("a/plain/w.php");
  chmod(open_to_all.c_str(), 0666);
  EXPECT_TRUE(has(signs(open_to_all), "writable-by-all"));
}

TEST_F(Files, AreWritableByHttpd) {
  const Httpd httpd{33, {33}};
  const std::string path = write("a/x.php");
  EXPECT_FALSE(has(signs(path, httpd), "writable-by-httpd"));
  chmod((directory_ + "/a").c_str(), 0777);
  EXPECT_TRUE(has(signs(path, httpd), "writable-by-httpd"));
  chmod((directory_ + "/a").c_str(), 01777);
  EXPECT_FALSE(has(signs(path, httpd), "writable-by-httpd"));
  chmod(path.c_str(), 0602);
  EXPECT_TRUE(has(signs(path, httpd), "writable-by-httpd"));
}

TEST(Purpose, IsTheNearestDirectorys) {
  EXPECT_EQ(purpose_of("/srv/shop/wp-content/uploads/2026/x.php"), "uploads");
  EXPECT_EQ(purpose_of("/srv/shop/uploads/tmp/x.php"), "cache");
  EXPECT_EQ(purpose_of("/srv/shop/uploads.php"), "");
  EXPECT_EQ(purpose_of("x.php"), "");
}

TEST_F(Files, HaveNeighbours) {
  const std::string path = write("site/x.php");
  write("site/deep/er/y.php"), write("site/z.php");
  const std::string old = write("site/old.php");
  ASSERT_EQ(symlink("/", (directory_ + "/site/link").c_str()), 0);
  const Neighbours all = neighbours_of(open(path), directory_ + "/site");
  EXPECT_EQ(all.count, 3U);
  EXPECT_TRUE(all.all_seen);
  EXPECT_TRUE(has(all.paths, directory_ + "/site/deep/er/y.php"));
  EXPECT_FALSE(has(all.paths, path));
  EXPECT_EQ(neighbours_of(open(path), directory_ + "/none").count, 0U);
}

TEST(Younger, ThanWhatLiesBesideIt) {
  // Births cannot be set: what a place says of others is made up here.
  char name[] = "/tmp/mailorigin-younger-XXXXXX";
  const std::string directory = mkdtemp(name);
  std::ofstream(directory + "/x.php") << "x";
  OpenFile::Fault fault{};
  const auto file = OpenFile::open(directory + "/x.php", fault);
  ASSERT_TRUE(file);
  auto place = place_of(*file);
  ASSERT_TRUE(place);
  const std::uint64_t now = file->facts().times.changed_ms;
  const auto younger_than = [&](std::vector<std::uint64_t> days) {
    place->alike.clear();
    for (const std::uint64_t each : days) {
      const std::uint64_t then = now - each * 86'400'000;
      place->alike.push_back({then, then, then});
    }
    return has(place_signs(*file, *place, true, std::nullopt), "younger");
  };
  EXPECT_TRUE(younger_than({30, 40, 50, 60}));
  EXPECT_FALSE(younger_than({30, 40, 50}));
  EXPECT_FALSE(younger_than({0, 0, 40, 50}));
  EXPECT_FALSE(younger_than({0, 30, 40, 50, 60, 0}));
  EXPECT_FALSE(younger_than({}));
  std::filesystem::remove_all(directory);
}

}  // namespace

}  // namespace mailorigin::investigating
