// Any bytes through import_file(): whatever they are, it must end in a trace that keeps every promise of trace.h and
// a report whose counts add up, or in an error with words. One program for all formats: the seeds decide which.
#include <cstdio>
#include <cstdlib>

#include "tests/formats/fuzz/fuzz_input.h"
#include "trace/formats.h"
#include "trace/trace_check.h"

namespace {

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  trace::ImportOptions options;
  options.max_bytes = 64 << 20;
  options.max_memory_bytes = 256 << 20;
  const auto imported = trace::import_file(fuzz::file_of(data, size), options);
  if (!imported.ok()) {
    must(!imported.error().what.empty(), "an error says what");
    return 0;
  }
  int64_t skipped = 0;
  for (const auto& [reason, count] : imported->report.skipped) {
    must(count > 0 && !reason.empty(), "a reason counts something");
    skipped += count;
  }
  must(imported->report.read == imported->report.used + skipped, "read = used + skipped");
  const auto checked = trace::check_trace(*imported->trace);
  if (!checked.ok()) std::fprintf(stderr, "%s\n", checked.error().line().c_str());
  must(checked.ok(), "the trace keeps the promises of trace.h");
  return 0;
}
