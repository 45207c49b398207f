// Runs a program to its end and keeps what it said. For tests that drive the command line as a user does.
#pragma once
#include <map>
#include <string>
#include <vector>

namespace tests {

struct ChildResult {
  int exit_code = -1;      // -signal when killed by one
  std::string out, err;
};

// `env` is added to the environment; an empty value unsets the variable.
ChildResult run_child(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env = {},
                      const std::string& stdin_text = {});

}  // namespace tests
