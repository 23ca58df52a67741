#include "firewall/resolver.h"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <tuple>
#include <utility>

#include "service/event_fd.h"

namespace mailorigin::firewall {

struct Resolver::Shared {
  using Clock = std::chrono::steady_clock;
  struct Watched {
    Clock::time_point due;  // the name that is due first is next: none waits behind those that fail
    bool asked = false;
    bool being_asked = false;
  };

  void run();  // in several threads
  void put(const std::string& name, std::vector<IpAddress> addresses);

  Lookup lookup;
  Pace pace;
  std::mutex mutex;  // of all that follows
  std::condition_variable changed;
  bool over = false;
  std::map<std::string, Watched> names;
  NameAddresses found;
  std::set<std::string> failed;
  service::EventFd ready;
};

void Resolver::Shared::run() {
  std::unique_lock lock(mutex);
  while (!over) {
    const auto next =
        std::min_element(names.begin(), names.end(), [](const auto& one, const auto& other) {
          return std::tie(one.second.being_asked, one.second.due) <
                 std::tie(other.second.being_asked, other.second.due);
        });
    if (next == names.end() || next->second.being_asked) {
      changed.wait(lock);
      continue;
    }
    if (const auto due = next->second.due; due > Clock::now()) {
      changed.wait_until(lock, due);
      continue;
    }
    const std::string name = next->first;
    next->second.being_asked = true;
    lock.unlock();
    auto addresses = lookup(name);
    lock.lock();
    put(name, std::move(addresses));
  }
}

void Resolver::Shared::put(const std::string& name, std::vector<IpAddress> addresses) {
  const auto watched = names.find(name);
  if (watched == names.end()) return;
  const bool resolved = !addresses.empty();
  watched->second = {Clock::now() + (resolved ? pace.refresh : pace.retry), true};
  changed.notify_all();
  if (resolved) {
    found[name] = std::move(addresses);
    failed.erase(name);
  } else {
    failed.insert(name);
  }
  ready.signal();
}

std::vector<IpAddress> Resolver::from_system(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (getaddrinfo(name.c_str(), nullptr, &hints, &list) != 0) return {};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, freeaddrinfo);
  std::vector<IpAddress> found;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    IpAddress address{};
    if (one->ai_family == AF_INET) {
      address[10] = address[11] = 0xff;
      std::memcpy(address.data() + 12,
                  &reinterpret_cast<const sockaddr_in*>(one->ai_addr)->sin_addr, 4);
    } else if (one->ai_family == AF_INET6) {
      std::memcpy(address.data(), &reinterpret_cast<const sockaddr_in6*>(one->ai_addr)->sin6_addr,
                  16);
    } else {
      continue;
    }
    found.push_back(address);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

Resolver::Resolver(Lookup lookup, Pace pace) : shared_(std::make_shared<Shared>()) {
  shared_->lookup = std::move(lookup);
  shared_->pace = pace;
  for (unsigned i = 0; i < names_at_once; i++) {
    std::thread([shared = shared_] { shared->run(); }).detach();
  }
}

Resolver::~Resolver() {
  const std::lock_guard lock(shared_->mutex);
  shared_->over = true;
  shared_->changed.notify_all();
}

void Resolver::watch(const std::set<std::string>& names, const NameAddresses& known) {
  const std::lock_guard lock(shared_->mutex);
  const auto is_other = [&](const std::string& name) { return !names.contains(name); };
  std::erase_if(shared_->names, [&](const auto& each) { return is_other(each.first); });
  std::erase_if(shared_->found, [&](const auto& each) { return is_other(each.first); });
  std::erase_if(shared_->failed, is_other);
  for (const std::string& name : names) {
    if (!shared_->names.try_emplace(name, Shared::Watched{Shared::Clock::now()}).second) continue;
    if (const auto last = known.find(name); last != known.end()) {
      shared_->found[name] = last->second;
    }
  }
  shared_->changed.notify_all();
  shared_->ready.signal();
}

int Resolver::fd() const { return shared_->ready.get(); }

Resolver::Round Resolver::take() {
  const std::lock_guard lock(shared_->mutex);
  shared_->ready.clear();
  const bool complete = std::all_of(shared_->names.begin(), shared_->names.end(),
                                    [](const auto& each) { return each.second.asked; });
  return {shared_->found, shared_->failed, complete};
}

}  // namespace mailorigin::firewall
