// Result<T>: a value, or an Error whose message was built on the way up.
//
// Errors are values here because the core runs inside httpd and PHP, where an
// exception must not cross the C boundary and a log line must name its cause.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace mailorigin {

struct Error {
  std::string message;

  // "cannot open X: permission denied" gains what the caller was about:
  // error.context("MailOriginLog") -> "MailOriginLog: cannot open X: ...".
  [[nodiscard]] Error context(std::string_view what) const {
    return Error{std::string(what) + ": " + message};
  }
};

// `what` followed by ": " and the text of an errno value.
Error system_error(std::string_view what, int error_number);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }

  // Preconditions: the result holds a value.
  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }

  // Precondition: the result holds an error.
  const Error& error() const { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, Error> state_;
};

// The result of something that yields nothing but success.
struct Done {};
using Status = Result<Done>;

}  // namespace mailorigin
