// The store, as the command line reaches it.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/policy.h"
#include "core/result.h"
#include "store/reader.h"

namespace mailorigin::reports {

// SQLite's file lies in a directory of the daemon's, which talks to tenants: it is read with
// no more rights than its owner has.
class StoreAccess {
 public:
  // `file`: where SQLite's is, unless the policy says; as the daemon's status has it. The
  // error is a sentence about what is missing.
  static Result<StoreAccess> open(const StorePolicy& policy, const std::string& file);

  // ask(reader), with those rights.
  template <class Ask>
  auto operator()(Ask ask) {
    const AsOwner owner(owner_);
    return ask(*reader_);
  }

 private:
  // This process is somebody else while it lives, if it is root's.
  class AsOwner {
   public:
    explicit AsOwner(uid_t uid) : changed_(geteuid() == 0 && uid != 0 && seteuid(uid) == 0) {}
    ~AsOwner() {
      if (changed_ && seteuid(0) != 0) _exit(1);
    }
    AsOwner(const AsOwner&) = delete;
    AsOwner& operator=(const AsOwner&) = delete;

   private:
    const bool changed_;
  };

  StoreAccess(uid_t owner, std::unique_ptr<store::Reader> reader)
      : owner_(owner), reader_(std::move(reader)) {}
  uid_t owner_;
  std::unique_ptr<store::Reader> reader_;
};

// What is known of the host without its store. Asks the daemon; without one, of the default
// directories, what it has kept.
struct KnownHost {
  std::optional<Policy> policy;  // in force, or the last one; nothing: not known
  std::string store_file;        // SQLite's, unless the policy says
  std::optional<Error> daemon;   // why that has not said it; nothing: it has
};
Result<KnownHost> known_host(const std::string& runtime_directory);

// The same, and opens the store.
struct OpenStore {
  std::optional<Policy> policy;
  StoreAccess store;
};
Result<OpenStore> open_store(const std::string& runtime_directory);

}  // namespace mailorigin::reports
