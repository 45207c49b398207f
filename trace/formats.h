// The importers: one row each, chosen by content. Adding one = a row in formats.cpp and an import_*.cpp.
#pragma once
#include <atomic>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "trace/import_report.h"
#include "trace/kernel_rules.h"
#include "trace/result.h"
#include "trace/trace.h"

namespace trace {

struct ImportOptions {
  // Raw (decompressed) bytes read so far of an estimate of all (0 = unknown). May be called often.
  std::function<void(int64_t done, int64_t total)> progress;
  const std::atomic<bool>* cancel = nullptr;
  int64_t max_bytes = int64_t{64} << 30;        // of decompressed input: a gzip bomb stops here
  // One device by its id, and a stretch of time from the device's first activity on: only what lies there is kept, so
  // that memory follows the stretch and not the file. With times the file is read twice.
  std::string device;
  std::optional<int64_t> from_ns, to_ns;
  // Of what is kept, about; a file that holds more is cut there, and its report says so.
  int64_t max_memory_bytes = int64_t{16} << 30;
  RulesPtr rules;                               // what kernels are, by name and place; null = built_in_rules()
};

struct Imported {
  TracePtr trace;
  ImportReport report;
  int rank = -1;   // of a job of several, where the file says so
};

// Sniffs by content, decompresses, parses. error: cannot be read, empty, of no known format (names those known); no
// activity of the device that was asked for (names those there are).
Result<Imported> import_file(const std::string& path, const ImportOptions& = {});

}  // namespace trace
