// Where a file lies, and what lies beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "investigating/file_facts.h"

namespace mailorigin::investigating {

// "uploads" or "cache" where a part of the directory's path says that it is meant for what visitors
// or programs leave; else empty.
std::string_view purpose_of(std::string_view path);

// Whether a name's end is one that httpd takes for PHP, or for an image.
bool is_named_php(std::string_view path);
bool is_named_image(std::string_view path);

struct Place {
  EntryFacts directory;
  std::vector<std::string> names;  // of what lies in it, at most siblings_limit
  // Times of other regular files whose names end alike.
  std::vector<Times> alike;
};
// Nothing where the file is not there any more.
std::optional<Place> place_of(const OpenFile& file);

// Who may write there beside the owner.
struct Httpd {
  std::uint32_t uid = 0;
  std::vector<std::uint32_t> gids;
};

// Signs of a file by where it lies, their words: writable-by-httpd, writable-by-all,
// uploads-directory, cache-directory, younger, backdated, like-a-core-file, hidden, foreign-owner.
// `is_code`: what is only odd for something that can be run. `httpd`: its User, where that is
// known.
std::vector<std::string> place_signs(const OpenFile& file, const Place& place, bool is_code,
                                     const std::optional<Httpd>& httpd);

// What changed on the same file system below `root` within neighbours_ms of one of these times, the
// nearest first.
struct Neighbours {
  std::vector<std::string> paths;  // at most neighbours_limit
  std::uint64_t count = 0;         // how many there are
  bool all_seen = true;            // false: there were too many entries to look at
};
Neighbours neighbours_of(const OpenFile& file, const std::string& root);

}  // namespace mailorigin::investigating
