// Runs a shell command of somebody's and keeps what it wrote, up to a limit. Its process group dies with a timeout or
// an interrupt. Thread rule: one at a time, from one thread.
#pragma once
#include <string>
#include <vector>

#include "trace/result.h"

namespace app {

struct CommandResult {
  int exit_code = 0;        // 128 + signal where one ended it
  double seconds = 0;       // wall clock
  std::string output;       // stdout and stderr as they came; its middle is left out where it is too long
  bool timed_out = false, interrupted = false;
};

// `environment`: further NAME=VALUE. error: it cannot be started.
trace::Result<CommandResult> run_command(const std::string& command, double timeout_s, const std::vector<std::string>& environment = {});

}  // namespace app
