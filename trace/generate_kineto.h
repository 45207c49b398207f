// Writes a Kineto file of any size: a decode loop in Python that launches kernels on two streams,
// with operators, stack frames, launches, flows and annotations in about the mix and layout of a
// real one (with_stack). For tests and for `bench import`; never shown as a measurement.
//
// Deterministic: equal specs give equal bytes. Times are decimal microseconds with three digits
// around 4e12.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "trace/result.h"

namespace trace {

struct KinetoSpec {
  int64_t events = 1'000'000;  // records in traceEvents, exactly
  uint64_t seed = 1;
};

// What an import of the file must find.
struct KinetoTotals {
  int64_t events = 0;
  int64_t kernels = 0, copies = 0, calls = 0, annotations = 0;
  int64_t flows = 0, operators = 0, python_frames = 0;
  int64_t bytes = 0;
};

KinetoTotals generate_kineto(const KinetoSpec&, const std::function<void(std::string_view)>& write);

// error: the file cannot be written, with the reason.
Result<KinetoTotals> generate_kineto_file(const KinetoSpec&, const std::string& path);

}  // namespace trace
