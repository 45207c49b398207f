// Result<T>: a value, or an error that a person can act on. For what can happen (bad file, unsupported
// shape, full disk); exceptions are for devices and databases that fail, asserts for our own bugs.
#pragma once
#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace trace {

struct Error {
  std::string what;   // what is wrong, in words: "unexpected end of JSON"
  std::string where;  // file, offset, flag, shape: "trace.json.gz, byte 1048576"
  std::string line() const { return where.empty() ? what : what + ", " + where; }
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : m_state(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : m_state(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return m_state.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & { assert(ok()); return *std::get_if<0>(&m_state); }
  const T& value() const& { assert(ok()); return *std::get_if<0>(&m_state); }
  T&& value() && { assert(ok()); return std::move(*std::get_if<0>(&m_state)); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const Error& error() const { assert(!ok()); return *std::get_if<1>(&m_state); }

 private:
  std::variant<T, Error> m_state;
};

// Result of an action without a value.
struct Ok {};
using Status = Result<Ok>;

}  // namespace trace
