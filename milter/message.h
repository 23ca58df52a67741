// One message on its way into the queue, as the milter protocol tells of it: gathered in
// bounded memory, and put together for mailorigind.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/wire/queueing.h"

namespace mailorigin::milter {

class Message {
 public:
  // `local_domains`: what the mail server may have added to a name without a domain; as
  // QueuedMail has them.
  explicit Message(std::vector<std::string> local_domains)
      : local_domains_(std::move(local_domains)) {}

  // Addresses as SMTP has them, in angle brackets or not.
  void set_sender(std::string_view address);
  void add_recipient(std::string_view address);
  // A header field, in the message's order.
  void add_field(std::string_view name, std::string_view value);

  // How often the header has a field of that name, in any case of letters; at most
  // copies_removed.
  [[nodiscard]] unsigned copies_of(std::string_view name) const;

  // Local domains, sender, recipients, tickets and claims; the rest is the connection's to say.
  [[nodiscard]] QueuedMail describe() const;

 private:
  void add_digests(QueuedMail& mail) const;
  [[nodiscard]] bool is_local(std::string_view domain) const;

  std::vector<std::string> local_domains_;
  std::string sender_;
  std::vector<std::string> recipients_;
  std::size_t recipients_size_ = 0;    // bytes
  std::uint64_t recipient_count_ = 0;  // of all
  std::string fields_;                 // those that are looked at
  bool fields_cut_ = false;            // there are more
  std::vector<std::string> tickets_;
  std::unordered_map<std::string, unsigned> copies_;  // by name, in lower case
};

}  // namespace mailorigin::milter
