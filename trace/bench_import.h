// How fast and in how little memory a Kineto file is imported, beside the least that any reader of
// it must do. Each measurement runs in a forked child, so that its peak is its own. Thread rule:
// REQUIRES a process with one thread.
#pragma once
#include <cstdint>
#include <string>

#include "trace/result.h"

namespace trace {

struct ImportBenchRow {
  std::string file;
  int64_t events = 0;     // records in the file
  int64_t raw_bytes = 0;  // of JSON, decompressed
  double seconds = 0;     // reading, decompressing, importing, kernels and idle time classified;
                          // fastest of `repeats`
  double cpu_seconds = 0; // of all its threads, user and system; least of `repeats`
  // One walk of simdjson on-demand over the text, already in memory, that looks at name, category
  // and times of every record; fastest of `repeats`, in turn with the imports. 0 = simdjson takes
  // the text for no JSON.
  double simdjson_seconds = 0;
  int64_t peak_rss_bytes = 0;  // of the whole child, the program included; largest of `repeats`
};

// error: as import_file(), or the child could not be run.
Result<ImportBenchRow> bench_import(const std::string& path, int repeats = 3);

}  // namespace trace
