// Which process a request belongs to: the first one that showed its context.
//
// A context is no secret, so the seal alone does not tell the worker that httpd
// gave it to from a neighbour of the same uid who read it somewhere.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "core/ulid.h"
#include "mailorigind/judging/process.h"

namespace mailorigin::daemon {

// Holds requests_bound requests, the most recently shown ones, for a day each. A user has its
// share of that (core/abi/share.h): whoever shows more pushes out its own.
class RequestBindings {
 public:
  // True if `asker` (a lineage) may show this request's context: it is the first
  // to do so, or the first one's lineage and its own meet. They do when it is
  // the same process, a descendant, an ancestor, or another child of one worker.
  // It counts in the share of `user`.
  bool admit(const Ulid& request, uid_t user, const std::vector<Process>& asker,
             std::uint64_t now_ms);

  [[nodiscard]] std::size_t size() const { return bound_.size(); }

 private:
  struct Binding {
    Ulid request;
    std::vector<Process> lineage;
    std::uint64_t shown_ms;
    uid_t user;
    std::list<Ulid>::iterator place;  // in its user's list
  };
  struct Hash {
    std::size_t operator()(const Ulid& request) const;
  };

  void make_room(uid_t user, std::uint64_t now_ms);
  void drop(const Ulid& request);

  std::list<Binding> oldest_first_;
  std::unordered_map<uid_t, std::list<Ulid>> of_user_;  // likewise
  std::unordered_map<Ulid, std::list<Binding>::iterator, Hash> bound_;
};

}  // namespace mailorigin::daemon
