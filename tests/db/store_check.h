// Shorthand for tests of the store.
#pragma once
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <utility>

#include "db/store.h"

namespace tests {

// The value; fails the test with the error's line.
template <class T>
T must(trace::Result<T> result) {
  INFO((result.ok() ? std::string() : result.error().line()));
  REQUIRE(result.ok());
  return std::move(result).value();
}

// The error's line; "" when there is none.
template <class T>
std::string line_of(const trace::Result<T>& result) {
  return result.ok() ? "" : result.error().line();
}

inline db::Store open_store(const std::string& path, db::Mode mode = db::Mode::read_write) {
  return must(db::Store::open(path, mode));
}

}  // namespace tests
