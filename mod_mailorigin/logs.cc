#include "mod_mailorigin/logs.h"

#include <apr_portable.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mod_mailorigin/httpd_api.h"
#include "mod_mailorigin/log_paths.h"

namespace mailorigin::httpd {

namespace {

using namespace std::chrono_literals;

using Clock = std::chrono::steady_clock;

constexpr auto drain_step = 5ms;
constexpr auto drain_patience = 100ms;  // without any progress
constexpr auto drain_limit = 1s;        // for all pipes
constexpr int forward_patience_ms = 1000;

constexpr gid_t first_gid_of_people = 1000;  // as in login.defs
constexpr int groups_limit = 1024;           // of one user; of more, nothing is believed

int descriptor_of(apr_file_t* file) {
  apr_os_file_t fd = -1;
  apr_os_file_get(&fd, file);
  return fd;
}

apr_file_t* file_at(const KeptLogs& logs, int index) {
  return APR_ARRAY_IDX(logs.files, index, apr_file_t*);
}

const KeptPipe& pipe_at(const KeptLogs& logs, int index) {
  return APR_ARRAY_IDX(logs.pipes, index, KeptPipe);
}

void add_file(KeptLogs& logs, apr_file_t* file) {
  *static_cast<apr_file_t**>(apr_array_push(logs.files)) = file;
}

Result<apr_file_t*> open_file(apr_pool_t* pool, LogTarget& target, LogFiles& files) {
  auto opened = files.open(target.name);
  if (!opened) return opened.error();
  struct stat about {};
  if (fstat(opened->get(), &about) == 0 && !S_ISREG(about.st_mode)) {
    target.kind = LogTarget::Kind::pipe;
  }
  apr_file_t* file = nullptr;
  apr_os_file_t fd = opened->release();
  apr_os_pipe_put_ex(&file, &fd, 1, pool);  // the pool closes it
  return file;
}

// root's, or one of those that packages make (adm, syslog); not that of httpd itself,
// which runs what tenants say.
bool is_of_system(gid_t group) {
  return group == 0 || (group < first_gid_of_people && group != ap_unixd_config.group_id);
}

// Whether PHP of a virtual host runs as a member of the group.
bool has_tenant(gid_t group, const Policy& policy) {
  const auto is_member = [&](const VhostPolicy& vhost) {
    if (!vhost.run_as) return false;
    const passwd* const user = getpwuid(*vhost.run_as);
    if (user == nullptr) return false;
    int count = groups_limit;
    std::vector<gid_t> groups(groups_limit);
    if (getgrouplist(user->pw_name, user->pw_gid, groups.data(), &count) < 0) return true;
    groups.resize(static_cast<std::size_t>(count));
    return std::find(groups.begin(), groups.end(), group) != groups.end();
  };
  return is_member(policy.server) ||
         std::any_of(policy.vhosts.begin(), policy.vhosts.end(), is_member);
}

// `name` is "|command".
Result<piped_log*> open_pipe(apr_pool_t* pool, const std::string& name) {
  piped_log* const pipe = ap_open_piped_log(pool, name.c_str() + 1);
  if (pipe == nullptr) return Error{"cannot start " + name};
  return pipe;
}

void add_pipe(KeptLogs& logs, const char* name, piped_log* log) {
  *static_cast<KeptPipe*>(apr_array_push(logs.pipes)) = {apr_pstrdup(logs.pool, name), log};
  add_file(logs, ap_piped_log_write_fd(log));
}

KeptLogs make_logs(std::size_t size) {
  // A child of APR's own pool: httpd destroys it after process->pool, so that
  // the daemon ends before the piped logs that it writes to.
  KeptLogs logs{};
  apr_pool_create(&logs.pool, nullptr);
  apr_pool_tag(logs.pool, "mailorigin_logs");
  logs.files = apr_array_make(logs.pool, static_cast<int>(size), sizeof(apr_file_t*));
  logs.pipes = apr_array_make(logs.pool, 1, sizeof(KeptPipe));
  return logs;
}

void close_logs(KeptLogs& logs) {
  if (logs.pool != nullptr) apr_pool_destroy(logs.pool);
  logs = {};
}

int read_end(const KeptPipe& pipe) { return descriptor_of(ap_piped_log_read_fd(pipe.log)); }
int write_end(const KeptPipe& pipe) { return descriptor_of(ap_piped_log_write_fd(pipe.log)); }

int bytes_waiting(const KeptPipe& pipe) {
  int bytes = 0;
  return ioctl(read_end(pipe), FIONREAD, &bytes) == 0 ? bytes : 0;
}

// False if nobody reads any more, or not all of it by `deadline`.
bool wait_until_read(const KeptPipe& pipe, Clock::time_point deadline) {
  auto progress = Clock::now();
  for (int before = bytes_waiting(pipe); before > 0;) {
    std::this_thread::sleep_for(drain_step);
    const int now = bytes_waiting(pipe);
    // What was read last is still to be written.
    if (now == 0) std::this_thread::sleep_for(drain_step);
    if (now < before) progress = Clock::now();
    if (Clock::now() > std::min(progress + drain_patience, deadline)) return false;
    before = now;
  }
  return true;
}

// Whole lines, so that one of the daemon's may come between two of them.
void forward(const KeptPipe& from, const KeptPipe& to) {
  const int source = read_end(from);
  fcntl(source, F_SETFL, fcntl(source, F_GETFL) | O_NONBLOCK);
  std::string rest;
  char buffer[PIPE_BUF];
  for (;;) {
    const ssize_t count = read(source, buffer, sizeof buffer);
    if (count > 0) rest.append(buffer, static_cast<std::size_t>(count));
    const auto line_end = rest.rfind('\n', PIPE_BUF - 1);
    const std::size_t size =
        line_end != std::string::npos ? line_end + 1 : std::min<std::size_t>(rest.size(), PIPE_BUF);
    if (size == 0) return;
    // A pipe that can be written to takes PIPE_BUF bytes without waiting.
    pollfd ready{write_end(to), POLLOUT, 0};
    if (poll(&ready, 1, forward_patience_ms) <= 0 || write(ready.fd, rest.data(), size) < 0) return;
    rest.erase(0, size);
  }
}

const KeptPipe* find(const KeptLogs& logs, const char* name) {
  for (int i = 0; logs.pool != nullptr && i < logs.pipes->nelts; i++) {
    const KeptPipe& pipe = pipe_at(logs, i);
    if (strcmp(pipe.name, name) == 0) return &pipe;
  }
  return nullptr;
}

}  // namespace

GroupIsTrusted trusted_groups(const Policy& policy) {
  return [&policy](gid_t group) { return is_of_system(group) && !has_tenant(group, policy); };
}

Status open_logs(Kept& kept, Policy& policy) {
  close_logs(kept.former_logs);
  kept.former_logs = kept.logs;
  kept.logs = make_logs(policy.targets.size());
  KeptLogs& logs = kept.logs;
  LogFiles files(trusted_groups(policy));
  for (LogTarget& target : policy.targets) {
    if (target.kind == LogTarget::Kind::file) {
      const auto file = open_file(logs.pool, target, files);
      if (!file) return file.error();
      add_file(logs, *file);
    } else if (target.kind == LogTarget::Kind::pipe) {
      const auto pipe = open_pipe(logs.pool, target.name);
      if (!pipe) return pipe.error();
      add_pipe(logs, target.name.c_str(), *pipe);
    }
  }
  return Done{};
}

std::vector<int> log_descriptors(const KeptLogs& logs) {
  std::vector<int> descriptors;
  if (logs.pool == nullptr) return descriptors;
  descriptors.reserve(static_cast<std::size_t>(logs.files->nelts));
  for (int i = 0; i < logs.files->nelts; i++) {
    descriptors.push_back(descriptor_of(file_at(logs, i)));
  }
  return descriptors;
}

void close_former_logs(Kept& kept) {
  if (kept.former_logs.pool == nullptr) return;
  const auto deadline = Clock::now() + drain_limit;
  for (int i = 0; i < kept.former_logs.pipes->nelts; i++) {
    const KeptPipe& pipe = pipe_at(kept.former_logs, i);
    const KeptPipe* const successor = find(kept.logs, pipe.name);
    if (!wait_until_read(pipe, deadline) && successor != nullptr) forward(pipe, *successor);
  }
  close_logs(kept.former_logs);
}

void finish_logs(Kept& kept) {
  close_former_logs(kept);
  if (kept.logs.pool == nullptr) return;
  const auto deadline = Clock::now() + drain_limit;
  KeptLogs again = make_logs(1);
  for (int i = 0; i < kept.logs.pipes->nelts; i++) {
    const KeptPipe& pipe = pipe_at(kept.logs, i);
    if (wait_until_read(pipe, deadline)) continue;
    if (const auto log = open_pipe(again.pool, pipe.name)) add_pipe(again, pipe.name, *log);
  }
  kept.former_logs = std::exchange(kept.logs, again);
  close_former_logs(kept);
  kept.former_logs = std::exchange(kept.logs, {});
  close_former_logs(kept);
}

void drop_logs_in_child(const KeptLogs& logs) {
  if (logs.pool == nullptr) return;
  for (int i = 0; i < logs.pipes->nelts; i++) {
    apr_file_close(ap_piped_log_read_fd(pipe_at(logs, i).log));
  }
  for (int i = 0; i < logs.files->nelts; i++) apr_file_close(file_at(logs, i));
}

std::size_t descriptors_needed(const Policy& policy) {
  std::size_t needed = 0;
  for (const LogTarget& target : policy.targets) {
    if (target.kind == LogTarget::Kind::file) needed += 1;
    if (target.kind == LogTarget::Kind::pipe) needed += 2;
  }
  return needed;
}

}  // namespace mailorigin::httpd
