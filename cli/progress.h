// How far a long reading is, on a terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace mailorigin::cli {

// A line on stderr, if that is a terminal, drawn anew a few times in a second; gone at the end.
class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(const std::string& what, std::uint64_t done, std::uint64_t total);

 private:
  const bool on_terminal_;
  bool begun_ = false, drawn_ = false;
  std::chrono::steady_clock::time_point next_;
};

// "[#####     ]  50% access.log.3.gz" within so many columns.
std::string progress_line(const std::string& what, std::uint64_t done, std::uint64_t total,
                          std::size_t columns);

}  // namespace mailorigin::cli
