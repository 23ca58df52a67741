// UserNames: the names of uids. They are looked up by a thread of their own,
// because NSS may ask a network, and nobody's question shall wait for that.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace mailorigin::daemon {

class UserNames {
 public:
  using Lookup = std::function<std::string(uid_t)>;
  static std::string from_nss(uid_t uid);  // empty if the uid has no name

  explicit UserNames(Lookup lookup = from_nss);
  ~UserNames();  // does not wait for a lookup that hangs
  UserNames(const UserNames&) = delete;
  UserNames& operator=(const UserNames&) = delete;

  // Empty while it is not known.
  [[nodiscard]] const std::string& name(uid_t uid) const;

  // True if the name is known (or that there is none). Otherwise, and when it is
  // old, its lookup begins.
  bool known(uid_t uid, std::uint64_t now_ms);

  // Looks them up when nobody else's name is waited for, and keeps them: somebody who
  // has very many uids is not to make a virtual host's mail wait for its name.
  void expect(const std::vector<uid_t>& uids);

  // Readable when lookups have ended; take_found() makes their names known and
  // returns their uids.
  [[nodiscard]] int fd() const;
  std::vector<uid_t> take_found(std::uint64_t now_ms);

 private:
  struct Shared;  // with the thread, which may outlive this
  struct Entry {
    std::string name;
    bool known = false;
    bool expected = false;
    bool asked = false;  // at asked_ms
    std::uint64_t asked_ms = 0;
  };

  std::shared_ptr<Shared> shared_;
  std::unordered_map<uid_t, Entry> entries_;
};

}  // namespace mailorigin::daemon
