// The milter's connections to mailorigind, shared by the threads that see messages.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "client/asker.h"
#include "core/wire/queueing.h"

namespace mailorigin::milter {

class DaemonLink {
 public:
  explicit DaemonLink(std::string socket_path) : socket_path_(std::move(socket_path)) {}

  // Asks over a connection of its own. As long as this is kept, nobody else uses that: the
  // daemon takes a connection that ends without another word for an answer that has not
  // reached the mail server.
  class Asked {
   public:
    [[nodiscard]] const client::Reply& reply() const { return reply_; }
    // Ends the connection, once: the message has not come into the queue.
    void take_back() { asker_.reset(); }
    Asked(Asked&&) noexcept = default;
    Asked& operator=(Asked&&) = delete;
    ~Asked();

   private:
    friend class DaemonLink;
    Asked(DaemonLink& link, std::unique_ptr<client::Asker> asker, client::Reply reply)
        : link_(&link), asker_(std::move(asker)), reply_(std::move(reply)) {}
    DaemonLink* link_;
    std::unique_ptr<client::Asker> asker_;
    client::Reply reply_;
  };
  Asked ask(QueuedMail mail);

  // Tells the daemon that this milter is here, if it does not know; for one thread.
  void show_presence();

 private:
  std::unique_ptr<client::Asker> take();
  void give_back(std::unique_ptr<client::Asker> asker);

  const std::string socket_path_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<client::Asker>> idle_;
  client::Asker presence_;
};

}  // namespace mailorigin::milter
