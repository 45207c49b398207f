// doctor --bundle as a user meets it.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <filesystem>

#include "tests/support/child.h"
#include "tests/support/temp_folder.h"

TEST_CASE("doctor --bundle without a GPU is one line, and leaves no file") {
  tests::TempFolder folder;
  const std::string file = folder / "bundle.json", db = folder / "runs.db";
  const auto run = [&](const std::string& to) {
    return tests::run_child({std::string(DS_BINARY_DIR) + "/decodescope-record", "doctor", "--bundle", to, "--db", db});
  };
  const auto result = run(file);
  if (result.exit_code != 2) SKIP("a GPU answers here");
  INFO(result.err);
  CHECK(result.out.empty());
  CHECK(result.err.starts_with("error: no GPU answers ("));
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  CHECK_FALSE(std::filesystem::exists(file));
  CHECK(run(folder / "no-such-folder/x.json").err.starts_with("error: can't be written"));
}
