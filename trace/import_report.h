// What an import read, used and left out, and what this collector cannot show.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace trace {

struct ImportReport {
  std::string file;
  std::string format;                        // "Kineto JSON, gzip"
  int64_t read = 0;                          // records in the file
  int64_t used = 0;                          // of them in the trace
  std::map<std::string, int64_t> skipped;    // reason -> count; read = used + sum
  std::vector<std::string> warnings;         // "truncated at byte N: kept what was whole before"
  int64_t resolution_ns = 1;
  std::string collector, version;
  int64_t ties = 0;                          // same-lane gaps <= 1 ns
  int64_t overlaps = 0;                      // same-lane next start < previous end
  int layers = 0, steps = 0;
  std::string window_rule;                   // how layers and steps were found, or why not
  std::vector<std::string> caveats;
};

}  // namespace trace
