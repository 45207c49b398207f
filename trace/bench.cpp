#include "trace/bench.h"

namespace trace {

double Bench::products_of_floor() const {
  double floor = 0, us = 0;
  for (const BenchRow& row : rows) {
    if (row.streams_weights) floor += row.floor_us, us += row.us;
  }
  return us > 0 ? floor / us : 0;
}

double Bench::products_of_read() const {
  double bytes = 0, us = 0;
  for (const BenchRow& row : rows) {
    if (row.streams_weights) bytes += static_cast<double>(row.bytes), us += row.us;
  }
  return us > 0 && ceilings.read_gbps > 0 ? bytes / us * 1e-3 / ceilings.read_gbps : 0;
}

std::vector<BenchPair> pair_rows(const Bench& a, const Bench& b) {
  std::vector<BenchPair> pairs;
  std::vector<bool> taken(b.rows.size());
  for (const BenchRow& row : a.rows) pairs.push_back({&row, nullptr});
  for (const bool same : {true, false}) {
    for (BenchPair& pair : pairs) {
      for (size_t i = 0; i < b.rows.size() && !pair.b; ++i) {
        if (taken[i] || b.rows[i].op != pair.a->op || (same && b.rows[i].what != pair.a->what)) continue;
        pair.b = &b.rows[i];
        taken[i] = true;
      }
    }
  }
  for (size_t i = 0; i < b.rows.size(); ++i) {
    if (!taken[i]) pairs.push_back({nullptr, &b.rows[i]});
  }
  return pairs;
}

}  // namespace trace
