// Checkpoints: brings SQLite's write-ahead log into its file, beside who writes it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/result.h"
#include "store/database.h"

namespace mailorigin::store {

// SQLite itself would do it in the middle of whatever transaction makes the log long, and have that
// wait for the disk.
class Checkpoints {
 public:
  // Of a file that `writer` writes, which must outlive it and be used by one thread. Has a
  // connection and a thread of its own. Null where SQLite does not say how long its log is: then it
  // goes on as it would by itself.
  static Result<std::unique_ptr<Checkpoints>> start(Database& writer, const std::string& file);
  ~Checkpoints();
  Checkpoints(const Checkpoints&) = delete;
  Checkpoints& operator=(const Checkpoints&) = delete;

  // For the writer, before a transaction: where the log is too long, waits until all of it is in
  // the file, so that it may begin anew; it never does while somebody writes at its end. Fails
  // where the file cannot be written.
  Status keep_short();

 private:
  Checkpoints(Database& writer, std::unique_ptr<Database> database);
  static int committed(void* self, void* connection, const char* name, int pages);
  void run();
  Status checkpoint();

  void* const writer_;  // its connection
  const std::unique_ptr<Database> database_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::uint64_t pages_ = 0;     // of the log
  std::uint64_t tried_at_ = 0;  // how many there were
  bool wanted_ = false, running_ = false, ending_ = false;
  Status last_ = Done{};
  std::thread thread_;
};

}  // namespace mailorigin::store
