// Which process a request belongs to: the first one that showed its context.
//
// A context is no secret, so the seal alone does not tell the worker that httpd
// gave it to from a neighbour of the same uid who read it somewhere.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "core/ulid.h"
#include "mailorigind/judging/process.h"

namespace mailorigin::daemon {

// Holds requests_bound requests, the most recently shown ones, for a day each.
class RequestBindings {
 public:
  // True if `asker` (a lineage) may show this request's context: it is the first
  // to do so, or the first one's lineage and its own meet. They do when it is
  // the same process, a descendant, an ancestor, or another child of one worker.
  bool admit(const Ulid& request, const std::vector<Process>& asker, std::uint64_t now_ms);

  [[nodiscard]] std::size_t size() const { return bound_.size(); }

 private:
  struct Binding {
    Ulid request;
    std::vector<Process> lineage;
    std::uint64_t shown_ms;
  };
  struct Hash {
    std::size_t operator()(const Ulid& request) const;
  };

  std::list<Binding> oldest_first_;
  std::unordered_map<Ulid, std::list<Binding>::iterator, Hash> bound_;
};

}  // namespace mailorigin::daemon
