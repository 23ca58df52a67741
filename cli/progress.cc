#include "cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cli/output.h"
#include "core/text.h"

namespace mailorigin::cli {

namespace {

constexpr std::chrono::milliseconds between(200);
constexpr std::size_t bar_width = 20;
constexpr std::size_t usual_columns = 80;

std::size_t columns_of_stderr() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : usual_columns;
}

}  // namespace

std::string progress_line(const std::string& what, std::uint64_t done, std::uint64_t total,
                          std::size_t columns) {
  const double share =
      total == 0 ? 1 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto length = static_cast<std::size_t>(share * bar_width);
  char percent[8];
  std::snprintf(percent, sizeof percent, "%3d%% ", static_cast<int>(share * 100));
  const std::string line = '[' + std::string(length, '#') + std::string(bar_width - length, ' ') +
                           "] " + percent + printable(what);
  return std::string(cut(line, columns - std::min<std::size_t>(columns, 1)));
}

ProgressBar::ProgressBar() : on_terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (drawn_) std::fputs("\r\033[K", stderr);
}

void ProgressBar::show(const std::string& what, std::uint64_t done, std::uint64_t total) {
  if (!on_terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  // What is soon done needs none.
  if (!begun_) next_ = now + between;
  begun_ = true;
  if (now < next_) return;
  next_ = now + between;
  drawn_ = true;
  std::fprintf(
      stderr, "\r\033[K%s",
      progress_line(what.substr(what.rfind('/') + 1), done, total, columns_of_stderr()).c_str());
}

}  // namespace mailorigin::cli
