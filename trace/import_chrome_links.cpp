#include "trace/import_chrome_links.h"

#include <algorithm>
#include <tuple>

#include "trace/decimal_time.h"

namespace trace {
namespace {

// Activities with a correlation, after which a file has them throughout.
constexpr int64_t kEnough = 4096;

void sort_ends(std::vector<ChromeFlows::End>& ends) {
  std::stable_sort(ends.begin(), ends.end(),
                   [](const auto& a, const auto& b) { return a.key() < b.key(); });
}

int64_t find(const std::vector<ChromeFlows::End>& ends, const ChromeFlows::End& wanted) {
  const auto at = std::lower_bound(ends.begin(), ends.end(), wanted,
                                   [](const auto& a, const auto& b) { return a.key() < b.key(); });
  return at != ends.end() && at->key() == wanted.key() ? at->id : kNoCorrelation;
}

}  // namespace

void ChromeFlows::saw_activity(bool with_correlation) {
  ++(with_correlation ? m_with : m_without);
  if (m_without > 0 || m_with < kEnough || m_done) return;
  m_done = true;
  m_begins = {};
  m_arrivals = {};
}

void ChromeFlows::link(Trace& t) {
  if (m_without == 0) return;
  sort_ends(m_begins);
  sort_ends(m_arrivals);
  for (Event& e : t.events) {
    if (e.correlation != kNoCorrelation) continue;
    const Lane& lane = t.lanes[e.lane];
    if (const auto device = parse_integer(t.devices[lane.device].id))
      e.correlation = find(m_arrivals, {*device, lane.stream, e.start_ns});
  }
  for (HostCall& c : t.calls)
    if (c.correlation == kNoCorrelation) c.correlation = find(m_begins, {0, c.thread, c.start_ns});
}

}  // namespace trace
