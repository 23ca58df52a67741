#include "firewall/resolver.h"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>

#include "firewall/limits.h"
#include "service/event_fd.h"

namespace mailorigin {

struct Resolver::Shared {
  Lookup lookup;
  std::mutex mutex;
  std::condition_variable changed;
  bool over = false;
  bool asked = false;  // watch() was called since the round began
  std::set<std::string> names;
  Round round;
  EventFd ready;
};

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

Resolver::Resolver(Lookup lookup) : shared_(std::make_shared<Shared>()) {
  shared_->lookup = std::move(lookup);
  std::thread([shared = shared_] {
    std::unique_lock lock(shared->mutex);
    while (!shared->over) {
      shared->asked = false;
      const auto names = shared->names;
      Round round{shared->round.found, {}};
      lock.unlock();
      std::erase_if(round.found, [&](const auto& each) { return !names.contains(each.first); });
      for (const std::string& name : names) {
        auto addresses = shared->lookup(name);
        if (addresses.empty()) {
          round.failed.insert(name);
        } else {
          round.found[name] = std::move(addresses);
        }
      }
      lock.lock();
      shared->round = std::move(round);
      if (!names.empty()) shared->ready.signal();
      shared->changed.wait_for(lock, refresh_interval,
                               [&] { return shared->over || shared->asked; });
    }
  }).detach();
}

Resolver::~Resolver() {
  const std::lock_guard lock(shared_->mutex);
  shared_->over = true;
  shared_->changed.notify_one();
}

void Resolver::watch(const std::set<std::string>& names) {
  const std::lock_guard lock(shared_->mutex);
  shared_->names = names;
  shared_->asked = true;
  shared_->changed.notify_one();
}

int Resolver::fd() const { return shared_->ready.get(); }

Resolver::Round Resolver::take() {
  const std::lock_guard lock(shared_->mutex);
  shared_->ready.clear();
  return shared_->round;
}

}  // namespace mailorigin
