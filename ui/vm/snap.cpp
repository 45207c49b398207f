#include "ui/vm/snap.h"

#include <cstdlib>

namespace ui {
namespace {

struct Nearest {
  int64_t wanted = 0, reach = 0, best = 0;
  bool found = false;
  void offer(int64_t ns) {
    const int64_t off = std::llabs(ns - wanted);
    if (off > reach || (found && off >= std::llabs(best - wanted))) return;
    best = ns;
    found = true;
  }
};

void offer_row(const RowMap& row, int64_t origin_ns, Nearest& nearest) {
  if (row.size() == 0) return;
  const int64_t at = nearest.wanted + origin_ns;
  const auto offer = [&](size_t i) {
    if (i >= row.size()) return;
    nearest.offer(row.at(i).start_ns - origin_ns);
    nearest.offer(row.at(i).end_ns - origin_ns);
  };
  // The event at or after the time, and those beside it: rows hold no overlaps.
  const size_t i = row.first_ending_after(at);
  if (i > 0) offer(i - 1);
  offer(i);
  offer(i + 1);
}

}  // namespace

int64_t snapped(std::span<const StackItem> items, int64_t ns, int64_t reach_ns) {
  Nearest nearest{.wanted = ns, .reach = reach_ns, .best = ns};
  for (const StackItem& item : items) {
    for (const RowMap& row : item.lanes->rows()) offer_row(row, item.origin_ns, nearest);
    if (!item.host) continue;
    for (const RowMap& row : item.host->lanes.rows()) offer_row(row, item.origin_ns, nearest);
  }
  return nearest.best;
}

}  // namespace ui
