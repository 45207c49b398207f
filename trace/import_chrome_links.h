// Flows ("s" at the launch, "f" at the kernel) for files whose events carry no correlation: an
// arrow's ends name the process, the thread and the start of what they touch. Internal to the
// Chrome importer.
#pragma once
#include <cstdint>
#include <vector>

#include "trace/trace.h"

namespace trace {

class ChromeFlows {
 public:
  struct End {
    int64_t process = 0, thread = 0, at_ns = 0;  // of a kernel: device and stream
    int64_t id = 0;
    auto key() const { return std::tuple(process, thread, at_ns); }
  };

  void begin(const End& end) {
    if (!m_done) m_begins.push_back(end);
  }
  void arrive(const End& end) {
    if (!m_done) m_arrivals.push_back(end);
  }

  // Each activity is reported. When many have come and all carry a correlation, flows are no longer
  // kept.
  void saw_activity(bool with_correlation);

  // Gives activities and calls without a correlation that of the flow that touches them.
  void link(Trace& unfinished);

 private:
  std::vector<End> m_begins, m_arrivals;
  int64_t m_with = 0, m_without = 0;
  bool m_done = false;
};

}  // namespace trace
