#include "trace/run.h"

namespace trace {

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::engine: return "engine";
    case Origin::sample: return "sample";
    case Origin::imported: break;
  }
  return "imported";
}

double tracing_overhead_pct(const Run& run) {
  const double untraced = run.step.median;
  if (untraced <= 0 || run.traced_step_us <= 0) return 0;
  return (run.traced_step_us - untraced) / untraced * 100;
}

}  // namespace trace
