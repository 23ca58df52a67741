// The second layer: our own nftables table, which refuses what the hooks did not
// mark, or, where there are no hooks, decides by uid.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/result.h"
#include "firewall/closer.h"
#include "firewall/compiled_policy.h"
#include "firewall/mark.h"

struct nft_ctx;

namespace mailorigin::firewall {

// The rules, as nft(8) reads them. With hooks, what has no mark is refused;
// without, who may is told by uid and group alone. Of what is held up every packet is refused.
std::string marked_rules(const CompiledPolicy& policy, Mark mark,
                         const Closer::Connections& held_up);
std::string uid_rules(const CompiledPolicy& policy, const Closer::Connections& held_up);

class Nftables {
 public:
  Nftables();
  ~Nftables();
  Nftables(const Nftables&) = delete;
  Nftables& operator=(const Nftables&) = delete;

  // Puts our table, and nothing but it, into this state, in one transaction.
  Status load(const std::string& rules);
  // True if the table is as it was loaded.
  bool is_intact();
  // True if there was one.
  bool remove();

 private:
  Result<std::string> run(const std::string& commands);
  // What the kernel has now; nothing if there is no such table.
  std::optional<std::string> listed();

  struct Free {
    void operator()(nft_ctx* context) const;
  };
  std::unique_ptr<nft_ctx, Free> context_;
  std::optional<std::string> loaded_;  // as it was listed
};

}  // namespace mailorigin::firewall
