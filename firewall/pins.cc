#include "firewall/pins.h"

#include <bpf/bpf.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/fd.h"
#include "core/file.h"
#include "firewall/kernel/maps.h"

namespace mailorigin::firewall {

namespace {

constexpr std::string_view link_ending = "-link";

std::vector<std::string> sorted_names_in(const std::string& directory) {
  auto names = names_in(directory);
  if (!names) return {};
  std::sort(names->begin(), names->end());
  return *std::move(names);
}

// Nothing else is ours to remove, and nothing at all outside a bpf file system.
std::vector<std::string> versions() {
  struct statfs about {};
  if (statfs(".", &about) != 0 || static_cast<long>(about.f_type) != BPF_FS_MAGIC) return {};
  auto names = sorted_names_in(".");
  std::erase_if(names, [](const std::string& name) {
    return !name.starts_with('v') || name.find_first_not_of("0123456789-", 1) != std::string::npos;
  });
  return names;
}

}  // namespace

const std::string pins =
    "v" + std::to_string(mo_layout_version) + "-" + std::to_string(mo_maps_version);

std::string map_pin(std::string_view name) { return pins + "/" + std::string(name); }
std::string link_pin(std::string_view program) {
  return map_pin(program) + std::string(link_ending);
}

std::vector<std::string> pins_of_others() {
  auto names = versions();
  std::erase(names, pins);
  return names;
}

// Links first: without its maps a program could not be found again.
std::vector<std::string> unpin(const std::string& version) {
  auto names = sorted_names_in(version);
  std::stable_partition(names.begin(), names.end(),
                        [](const std::string& name) { return name.ends_with(link_ending); });
  std::vector<std::string> removed;
  for (const std::string& name : names) {
    const std::string path = version + "/" + name;
    if (name.ends_with(link_ending)) {
      // Also when a process still holds it. A tracepoint's cannot be detached:
      // it goes with its last holder.
      const Fd link(bpf_obj_get(path.c_str()));
      if (link) bpf_link_detach(link.get());
    }
    if (unlink(path.c_str()) == 0) removed.push_back(path);
  }
  rmdir(version.c_str());
  return removed;
}

std::vector<std::string> unpin_all() {
  std::vector<std::string> removed;
  for (const std::string& version : versions()) {
    auto some = unpin(version);
    std::move(some.begin(), some.end(), std::back_inserter(removed));
  }
  return removed;
}

}  // namespace mailorigin::firewall
