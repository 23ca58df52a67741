#include "firewall/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <string_view>
#include <utility>

#include "core/context.h"
#include "firewall/feeding.h"
#include "firewall/foreign_map.h"
#include "firewall/pins.h"
#include "firewall/skeleton.h"

namespace mailorigin::firewall {

namespace {

struct Attachment {
  const char* program;
  bool hook;  // of the cgroup; else a tracepoint
};
constexpr std::array<Attachment, 4> attachments = {{
    // Who starts what is known before anybody is judged by it.
    {"mo_fork", false},
    {"mo_exit", false},
    {"mo_connect4", true},
    {"mo_connect6", true},
}};

// The last thing that libbpf complained about: its return value is a mere number.
thread_local std::string complaint;

int take_complaint(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN) return 0;
  std::array<char, 512> text{};
  vsnprintf(text.data(), text.size(), format, arguments);
  std::string_view line(text.data());
  line = line.substr(0, line.find('\n'));
  if (complaint.empty()) complaint = line;
  return 0;
}

Error libbpf_error(const std::string& what, int error_number) {
  Error error = system_error(what, error_number < 0 ? -error_number : error_number);
  if (!complaint.empty()) error.message += " (" + complaint + ")";
  complaint.clear();
  return error;
}

// Now, unless another version has enforced before: what began since could register then.
void set_beginning(mo_control& control) {
  control.first_loaded_ticks = boottime_now_ns() / mo_ns_per_tick;
  for (const std::string& version : pins_of_others()) {
    const auto before = ForeignMap<mo_control>::open(version, "control").find(KernelMaps::only);
    if (!before || before->first_loaded_ticks == 0) continue;
    control.first_loaded_ticks =
        std::min<std::uint64_t>(control.first_loaded_ticks, before->first_loaded_ticks);
  }
  control.older_until_ticks = control.first_loaded_ticks + mo_older_grace_ticks;
}

// Only what is opened by a pin can be opened so.
Fd open_for_reading(const std::string& pin) {
  struct bpf_obj_get_opts options {};
  options.sz = sizeof options;
  options.file_flags = BPF_F_RDONLY;
  return Fd(bpf_obj_get_opts(pin.c_str(), &options));
}

}  // namespace

void Programs::Unload::operator()(firewall_bpf* skeleton) const { firewall_bpf__destroy(skeleton); }

Programs::Programs(int cgroup, Skeleton skeleton, KernelMaps maps)
    : cgroup_(cgroup),
      skeleton_(std::move(skeleton)),
      maps_(std::move(maps)),
      registry_(maps_),
      origins_(open_for_reading(map_pin("snapshots"))),
      links_(attachments.size()) {}

Programs::~Programs() = default;

Result<std::unique_ptr<Programs>> Programs::load(int cgroup) {
  auto skeleton = load_skeleton();
  if (!skeleton) return skeleton.error();
  auto maps = KernelMaps::of((*skeleton)->obj);
  if (!maps) return maps.error();
  auto control = maps->control.find(KernelMaps::only);
  if (control && control->first_loaded_ticks == 0) {
    set_beginning(*control);
    if (Status put = maps->control.put(KernelMaps::only, *control); !put) return put.error();
  }
  return std::unique_ptr<Programs>(new Programs(cgroup, *std::move(skeleton), *std::move(maps)));
}

Result<Programs::Skeleton> Programs::load_skeleton() {
  libbpf_set_print(take_complaint);
  complaint.clear();
  if (mkdir(pins.c_str(), 0700) != 0 && errno != EEXIST) return system_error(pins, errno);
  Skeleton skeleton(firewall_bpf__open());
  if (!skeleton) return libbpf_error("the programs cannot be read", errno);
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, skeleton->obj) {
    const std::string path = map_pin(bpf_map__name(map));
    if (bpf_map__set_pin_path(map, path.c_str()) != 0) return system_error(path, errno);
  }
  const int loaded = firewall_bpf__load(skeleton.get());
  if (loaded != 0) return libbpf_error("the kernel does not take the programs", loaded);
  complaint.clear();
  return skeleton;
}

bool Programs::hook_is_attached(int link) const {
  bpf_link_info info{};
  std::uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(link, &info, &size) != 0) return false;
  struct stat about {};
  return fstat(cgroup_, &about) == 0 && info.cgroup.cgroup_id == about.st_ino;
}

Status Programs::attach_hook(std::size_t index) {
  const char* name = attachments[index].program;
  const std::string pin = link_pin(name);
  bpf_program* program = bpf_object__find_program_by_name(skeleton_->obj, name);
  Fd pinned(bpf_obj_get(pin.c_str()));
  if (pinned && hook_is_attached(pinned.get()) &&
      bpf_link_update(pinned.get(), bpf_program__fd(program), nullptr) == 0) {
    links_[index] = std::move(pinned);
    return Done{};
  }
  const enum bpf_attach_type type = bpf_program__expected_attach_type(program);
  Fd fresh(bpf_link_create(bpf_program__fd(program), cgroup_, type, nullptr));
  if (!fresh) {
    const int fault = errno;
    Error error = system_error(std::string(name) + " cannot be attached to the cgroup", fault);
    if (fault == EPERM) error.message += "; is another, exclusive program there?";
    return error;
  }
  unlink(pin.c_str());
  if (bpf_obj_pin(fresh.get(), pin.c_str()) != 0) return system_error(pin, errno);
  links_[index] = std::move(fresh);
  return Done{};
}

// A tracepoint's program cannot be replaced in place: the new one is attached
// before the old one goes, and for a moment both do the same work twice.
Status Programs::attach_tracepoint(std::size_t index) {
  const char* name = attachments[index].program;
  const std::string pin = link_pin(name);
  bpf_program* program = bpf_object__find_program_by_name(skeleton_->obj, name);
  Fd fresh(bpf_raw_tracepoint_open(nullptr, bpf_program__fd(program)));
  if (!fresh) return system_error(std::string(name) + " cannot be attached", errno);
  const std::string beside = pin + "-new";
  unlink(beside.c_str());
  if (bpf_obj_pin(fresh.get(), beside.c_str()) != 0) return system_error(beside, errno);
  if (rename(beside.c_str(), pin.c_str()) != 0) return system_error(pin, errno);
  links_[index] = std::move(fresh);
  return Done{};
}

int Programs::teller() const {
  return bpf_program__fd(bpf_object__find_program_by_name(skeleton_->obj, "mo_tell_opener"));
}

std::optional<KeyRing> Programs::keys() const {
  if (const auto config = config_in_force(maps_)) return keys_of(*config);
  for (const std::string& version : pins_of_others()) {
    const auto control = ForeignMap<mo_control>::open(version, "control").find(KernelMaps::only);
    if (!control || control->generation == 0) continue;
    const auto config =
        ForeignMap<mo_config>::open(version, "configs").find(control->generation & 1);
    if (config) return keys_of(*config);
  }
  return std::nullopt;
}

Status Programs::attach() {
  const auto others = pins_of_others();
  const auto take_over = [&] {
    for (const std::string& version : others) registry_.take_over(version);
  };
  for (std::size_t i = 0; i < attachments.size(); i++) {
    if (links_[i]) continue;
    // Before the first hook decides anything. What another version has come to know while
    // hooks of both were there is taken over once more, below.
    if (attachments[i].hook) take_over();
    Status attached = attachments[i].hook ? attach_hook(i) : attach_tracepoint(i);
    if (!attached) return attached;
  }
  take_over();
  for (const std::string& version : others) unpin(version);
  return Done{};
}

Result<std::vector<std::string>> Programs::repair() {
  std::vector<std::string> repaired;
  for (std::size_t i = 0; i < attachments.size(); i++) {
    const std::string pin = link_pin(attachments[i].program);
    const bool held = !attachments[i].hook || hook_is_attached(links_[i].get());
    if (held && access(pin.c_str(), F_OK) == 0) continue;
    if (held) {
      mkdir(pins.c_str(), 0700);
      if (bpf_obj_pin(links_[i].get(), pin.c_str()) != 0) return system_error(pin, errno);
    } else if (const Status attached = attach_hook(i); !attached) {
      return attached.error();
    }
    repaired.emplace_back(attachments[i].program);
  }
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, skeleton_->obj) {
    const std::string pin = map_pin(bpf_map__name(map));
    if (access(pin.c_str(), F_OK) == 0) continue;
    if (bpf_obj_pin(bpf_map__fd(map), pin.c_str()) != 0) return system_error(pin, errno);
    repaired.emplace_back(bpf_map__name(map));
  }
  return repaired;
}

}  // namespace mailorigin::firewall
