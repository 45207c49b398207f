// Real traces that lie beside the checkout and are not part of it. A test that needs one skips
// where it is absent, and fails there when CI=true: a run that is meant to check everything must
// not pass by checking nothing.
#pragma once
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace tests {

inline std::filesystem::path shared_file(const std::string& relative) {
  const std::filesystem::path path = std::filesystem::path(DS_SHARED_DIR) / relative;
  if (std::filesystem::exists(path)) return path;
  const char* ci = std::getenv("CI");
  if (ci && std::string(ci) == "true") FAIL("needed with CI=true, but absent: " << path.string());
  SKIP("not on this machine: " << path.string());
  return {};
}

}  // namespace tests
