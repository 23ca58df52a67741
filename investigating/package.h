// Which package a file is of, as dpkg or rpm know it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace mailorigin::investigating {

struct Package {
  std::string name;           // empty: the file is of none
  bool changed = false;       // the file is not as it was packed
  std::string of_the_others;  // of a file that is of none: a package that files beside it are of
};

// `beside`: paths of some other files of its directory. Fails where neither dpkg nor rpm is there.
Result<Package> package_of(const std::string& path, const std::vector<std::string>& beside);

// dpkg-query's answer: "package[:arch][, package]: path" a line.
std::string package_in(std::string_view answer, std::string_view path);
// A path for `dpkg-query --search`, which takes it for a pattern.
std::string dpkg_pattern(std::string_view path);

}  // namespace mailorigin::investigating
