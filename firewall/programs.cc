#include "firewall/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "core/bytes.h"
#include "core/context.h"
#include "firewall/skeleton.h"
#include "service/process_stat.h"

namespace mailorigin::firewall {

namespace {

// A bpf file system takes no name with a dot.
const std::string pins =
    "v" + std::to_string(mo_layout_version) + "-" + std::to_string(mo_maps_version);
constexpr std::string_view link_ending = "-link";

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

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
  if (!directory) return names;
  while (const dirent* entry = readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Also while the kernel takes it apart, and as a zombie: the kernel's program has seen
// its end by then, and sees it no more. Its first thread may end before others.
bool has_ended(std::uint32_t tgid) {
  constexpr std::uint64_t exiting = 4;  // PF_EXITING, of the flags, field 9
  const std::string threads = "/proc/" + std::to_string(tgid) + "/task/";
  const auto names = names_in(threads);
  // Where /proc hides it, too.
  if (names.empty()) return kill(static_cast<pid_t>(tgid), 0) != 0 && errno == ESRCH;
  return std::all_of(names.begin(), names.end(), [&](const std::string& thread) {
    const auto stat = service::read_process_stat(threads + thread);
    const auto flags =
        stat ? service::process_stat_number(*stat, service::ProcessStat::flags) : std::nullopt;
    return (flags.value_or(exiting) & exiting) != 0;
  });
}

// In the share of those that were registered; those that are inherited have another.
bool counts_here(const mo_process& /*process*/, std::uint32_t /*tgid*/) { return true; }
bool counts_here(const mo_snapshot& snapshot, std::uint32_t tgid) {
  return mo_is_inherited(&snapshot, tgid) == 0;
}

template <class Value>
bool put(int map, std::uint32_t tgid, const Value& value) {
  if (bpf_map_update_elem(map, &tgid, &value, BPF_ANY) != 0) return false;
  // It may have ended on the way, and its end is not seen again.
  if (has_ended(tgid)) bpf_map_delete_elem(map, &tgid);
  return true;
}

std::string pin_of(const char* program) { return pins + "/" + program + std::string(link_ending); }

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

template <class Value>
std::optional<Value> first(int map) {
  const std::uint32_t zero = 0;
  Value value{};
  if (bpf_map_lookup_elem(map, &zero, &value) != 0) return std::nullopt;
  return value;
}

mo_ring_key ring_key(const SealKey& key) {
  const std::string bytes(key.secret.begin(), key.secret.end());
  return {
      key.id, 1, {little_endian<std::uint64_t>(bytes, 0), little_endian<std::uint64_t>(bytes, 8)}};
}

SealKey seal_key(const mo_ring_key& key) {
  std::string bytes;
  append_little_endian(bytes, key.id);
  append_little_endian(bytes, std::uint64_t{key.key.low});
  append_little_endian(bytes, std::uint64_t{key.key.high});
  return SealKey::from_bytes(bytes).value_or(SealKey{});
}

// Takes every entry away whose generation is none of two.
template <class Key>
void sweep(int map, std::uint32_t in_force) {
  std::vector<Key> old;
  Key key{};
  Key next{};
  for (int more = bpf_map_get_next_key(map, nullptr, &next); more == 0;
       more = bpf_map_get_next_key(map, &key, &next)) {
    if (next.generation != in_force) old.push_back(next);
    key = next;
  }
  for (const Key& each : old) bpf_map_delete_elem(map, &each);
}

std::size_t entries(int map) {
  std::size_t count = 0;
  std::uint32_t key = 0;
  std::uint32_t next = 0;
  for (int more = bpf_map_get_next_key(map, nullptr, &next);
       more == 0 && count < mo_processes_limit; more = bpf_map_get_next_key(map, &key, &next)) {
    count++;
    key = next;
  }
  return count;
}

// Directories of pins, of this version and of others. Nothing else is ours to
// remove, and nothing at all outside a bpf file system.
std::vector<std::string> versions() {
  struct statfs about {};
  if (statfs(".", &about) != 0 || static_cast<long>(about.f_type) != BPF_FS_MAGIC) return {};
  auto names = names_in(".");
  std::erase_if(names, [](const std::string& name) {
    return !name.starts_with('v') || name.find_first_not_of("0123456789-", 1) != std::string::npos;
  });
  return names;
}

// Links first: without its maps a program could not be found again.
std::vector<std::string> unpin(const std::string& version) {
  auto names = names_in(version);
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

}  // namespace

Result<std::unique_ptr<Programs>> Programs::load(int cgroup) {
  std::unique_ptr<Programs> programs(new Programs(cgroup));
  Status opened = programs->open();
  if (!opened) return opened.error();
  return programs;
}

Programs::~Programs() {
  if (skeleton_ != nullptr) firewall_bpf__destroy(skeleton_);
}

Status Programs::open() {
  libbpf_set_print(take_complaint);
  complaint.clear();
  if (mkdir(pins.c_str(), 0700) != 0 && errno != EEXIST) return system_error(pins, errno);
  skeleton_ = firewall_bpf__open();
  if (skeleton_ == nullptr) return libbpf_error("the programs cannot be read", errno);
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, skeleton_->obj) {
    const std::string path = pins + "/" + bpf_map__name(map);
    if (bpf_map__set_pin_path(map, path.c_str()) != 0) return system_error(path, errno);
  }
  const int loaded = firewall_bpf__load(skeleton_);
  if (loaded != 0) return libbpf_error("the kernel does not take the programs", loaded);
  complaint.clear();

  auto control = first<mo_control>(bpf_map__fd(skeleton_->maps.control));
  if (control && control->first_loaded_ticks == 0) {
    const std::uint32_t zero = 0;
    control->first_loaded_ticks = boottime_now_ns() / mo_ns_per_tick;
    bpf_map_update_elem(bpf_map__fd(skeleton_->maps.control), &zero, &*control, BPF_ANY);
  }
  links_.resize(attachments.size());
  return Done{};
}

FirewallMode Programs::mode() const {
  const auto control = first<mo_control>(bpf_map__fd(skeleton_->maps.control));
  if (!control || control->generation == 0) return FirewallMode::off;
  const std::uint32_t slot = control->generation & 1;
  const auto config = std::make_unique<mo_config>();
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.configs), &slot, config.get()) != 0) {
    return FirewallMode::off;
  }
  return static_cast<FirewallMode>(config->mode);
}

std::optional<KeyRing> Programs::keys() const {
  const auto control = first<mo_control>(bpf_map__fd(skeleton_->maps.control));
  const std::uint32_t slot = control ? control->generation & 1 : 0;
  const auto config = std::make_unique<mo_config>();
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.configs), &slot, config.get()) != 0 ||
      config->current.valid == 0) {
    return std::nullopt;
  }
  KeyRing ring{seal_key(config->current), std::nullopt};
  if (config->previous.valid != 0) ring.previous = seal_key(config->previous);
  return ring;
}

Status Programs::feed(const CompiledPolicy& policy, const std::optional<KeyRing>& keys, Mark mark) {
  const int control_map = bpf_map__fd(skeleton_->maps.control);
  const int policies = bpf_map__fd(skeleton_->maps.policies);
  const int accounts = bpf_map__fd(skeleton_->maps.accounts);
  const int allowed = bpf_map__fd(skeleton_->maps.allowed);
  auto control = first<mo_control>(control_map);
  if (!control) return system_error("the map control", errno);

  // What the last generation left; nothing has read it since the one in force is.
  sweep<mo_policy_key>(policies, control->generation);
  sweep<mo_account_key>(accounts, control->generation);
  sweep<mo_allowed_key>(allowed, control->generation);

  std::uint32_t generation = control->generation + 1;
  if (generation == 0) generation = 2;  // 0 means none; the slot is the other one
  for (const auto& [vhost, each] : policy.policies) {
    const mo_policy_key key{generation, vhost};
    if (bpf_map_update_elem(policies, &key, &each, BPF_ANY) != 0) {
      return system_error("the map policies", errno);
    }
  }
  for (const auto& [uid, each] : policy.accounts) {
    const mo_account_key key{generation, mo_account_user, uid};
    if (bpf_map_update_elem(accounts, &key, &each, BPF_ANY) != 0) {
      return system_error("the map accounts", errno);
    }
  }
  for (const std::uint32_t gid : policy.gids) {
    const mo_account_key key{generation, mo_account_group, gid};
    const mo_account may{1, 0, 0};
    if (bpf_map_update_elem(accounts, &key, &may, BPF_ANY) != 0) {
      return system_error("the map accounts", errno);
    }
  }
  for (const AllowedDestination& each : policy.allowed) {
    mo_allowed_key key{
        mo_allowed_head_bits + std::uint32_t{each.prefix}, generation, each.list, each.port, 0, {}};
    std::copy(each.address.begin(), each.address.end(), key.address);
    const std::uint8_t yes = 1;
    if (bpf_map_update_elem(allowed, &key, &yes, BPF_ANY) != 0) {
      return system_error("the map allowed", errno);
    }
  }

  const auto config = std::make_unique<mo_config>();
  config->mode = static_cast<std::uint32_t>(policy.mode);
  config->mark = mark.value;
  config->mark_mask = mark.mask;
  if (keys) {
    config->current = ring_key(keys->current);
    if (keys->previous) config->previous = ring_key(*keys->previous);
  }
  for (const auto& [uid, each] : policy.accounts) {
    if (each.may != 0) config->users_that_may |= 1ULL << (uid & 63);
  }
  for (const std::uint32_t gid : policy.gids) config->groups_that_may |= 1ULL << (gid & 63);
  for (const std::uint16_t port : policy.ports) config->is_smtp[port] = 1;
  const std::uint32_t slot = generation & 1;
  if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.configs), &slot, config.get(), BPF_ANY) !=
      0) {
    return system_error("the map configs", errno);
  }
  control->generation = generation;
  const std::uint32_t zero = 0;
  if (bpf_map_update_elem(control_map, &zero, &*control, BPF_ANY) != 0) {
    return system_error("the map control", errno);
  }
  return Done{};
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
  const std::string pin = pin_of(name);
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
  const std::string pin = pin_of(name);
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

Status Programs::attach() {
  for (std::size_t i = 0; i < attachments.size(); i++) {
    if (links_[i]) continue;
    Status attached = attachments[i].hook ? attach_hook(i) : attach_tracepoint(i);
    if (!attached) return attached;
  }
  for (const std::string& version : versions()) {
    if (version != pins) unpin(version);
  }
  return Done{};
}

Result<std::vector<std::string>> Programs::repair() {
  std::vector<std::string> repaired;
  for (std::size_t i = 0; i < attachments.size(); i++) {
    const std::string pin = pin_of(attachments[i].program);
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
    const std::string pin = pins + "/" + bpf_map__name(map);
    if (access(pin.c_str(), F_OK) == 0) continue;
    if (bpf_obj_pin(bpf_map__fd(map), pin.c_str()) != 0) return system_error(pin, errno);
    repaired.emplace_back(bpf_map__name(map));
  }
  return repaired;
}

void Programs::count_full() {
  const std::uint32_t zero = 0;
  auto all = counters();
  all.unregistered_full++;
  bpf_map_update_elem(bpf_map__fd(skeleton_->maps.counters), &zero, &all, BPF_ANY);
}

// Entries go in the kernel when their process ends: counted anew before a user is
// refused, once a second at most.
template <class Value>
bool Programs::has_room_for(std::uint32_t uid, std::size_t share, int map, Registered& registered) {
  const auto now = std::chrono::steady_clock::now();
  if (registered.by_uid[uid] >= share && now - registered.counted >= std::chrono::seconds(1)) {
    registered = {{}, now};
    std::uint32_t tgid = 0;
    const std::uint32_t* before = nullptr;
    // Where entries go meanwhile, it may begin again with the first.
    for (std::size_t i = 0; i < mo_processes_limit && bpf_map_get_next_key(map, before, &tgid) == 0;
         i++) {
      before = &tgid;
      Value value{};
      if (bpf_map_lookup_elem(map, &tgid, &value) == 0 && counts_here(value, tgid)) {
        registered.by_uid[value.uid]++;
      }
    }
  }
  if (registered.by_uid[uid] >= share) return false;
  registered.by_uid[uid]++;
  return true;
}

bool Programs::add_with_page(const mo_registration& about) {
  const int map = bpf_map__fd(skeleton_->maps.processes);
  if (!has_room_for<mo_process>(about.uid, mo_processes_share, map, with_page_)) return false;
  const mo_process process{about.start_ticks, about.page, mo_all_parts, about.uid};
  return put(map, about.tgid, process);
}

bool Programs::add_with_origin(const mo_registration& about) {
  const int map = bpf_map__fd(skeleton_->maps.snapshots);
  mo_snapshot snapshot{};
  if (bpf_map_lookup_elem(map, &about.tgid, &snapshot) == 0 &&
      mo_is_inherited(&snapshot, about.tgid) != 0) {
    // It is counted in the kernel, and stays so; unless it has ended by now.
    snapshot.start_ticks = about.start_ticks;
    snapshot.origin = about.origin;
    bpf_map_update_elem(map, &about.tgid, &snapshot, BPF_EXIST);
    return true;
  }
  if (!has_room_for<mo_snapshot>(about.uid, mo_snapshots_share, map, with_origin_)) return false;
  snapshot = {about.start_ticks, about.start_ticks, about.tgid, about.uid, about.origin};
  return put(map, about.tgid, snapshot);
}

bool Programs::add(const mo_registration& registration) {
  const bool added =
      registration.page != 0 ? add_with_page(registration) : add_with_origin(registration);
  if (!added) count_full();
  return added;
}

int Programs::ring() const { return bpf_map__fd(skeleton_->maps.events); }

mo_counters Programs::counters() const {
  return first<mo_counters>(bpf_map__fd(skeleton_->maps.counters)).value_or(mo_counters{});
}

std::size_t Programs::processes() const {
  return entries(bpf_map__fd(skeleton_->maps.processes)) +
         entries(bpf_map__fd(skeleton_->maps.snapshots));
}

bool Programs::is_registered(std::uint32_t tgid) const {
  mo_process process{};
  return bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.processes), &tgid, &process) == 0;
}

std::uint64_t Programs::first_loaded_ticks() const {
  const auto control = first<mo_control>(bpf_map__fd(skeleton_->maps.control));
  return control ? control->first_loaded_ticks : 0;
}

std::vector<std::string> Programs::remove() {
  std::vector<std::string> removed;
  for (const std::string& version : versions()) {
    auto some = unpin(version);
    std::move(some.begin(), some.end(), std::back_inserter(removed));
  }
  return removed;
}

}  // namespace mailorigin::firewall
