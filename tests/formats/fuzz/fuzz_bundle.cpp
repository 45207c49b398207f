// Any bytes as a bundle: runs whose traces keep every promise, or an error with words.
#include <cstdio>
#include <cstdlib>

#include "db/bundle.h"
#include "tests/formats/fuzz/fuzz_input.h"
#include "trace/trace_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto runs = db::read_bundle(fuzz::file_of(data, size));
  if (!runs.ok()) return runs.error().what.empty() ? std::abort(), 0 : 0;
  for (const auto& run : *runs) {
    if (!run.trace) continue;
    const auto checked = trace::check_trace(*run.trace);
    if (checked.ok()) continue;
    std::fprintf(stderr, "%s\n", checked.error().line().c_str());
    std::abort();
  }
  return 0;
}
