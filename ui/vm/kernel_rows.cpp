// Rows of the kernel table: sorted, filtered, written as CSV.
#include <algorithm>
#include <cstdio>

#include "ui/vm/kernels_vm.h"

namespace ui {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// What a column sorts by; the name has no number.
double key_of(const KernelGroup& g, KernelColumn column) {
  const auto number = [](int64_t n) { return static_cast<double>(n); };
  switch (column) {
    case KernelColumn::name:
      return 0;
    case KernelColumn::count:
      return number(g.count);
    case KernelColumn::total:
    case KernelColumn::share:
      return number(g.total_ns);
    case KernelColumn::equal:
      return number(g.equal_share_ns);
    case KernelColumn::hidden:
      return number(g.hidden_ns);
    case KernelColumn::median:
      return number(g.median_ns);
    case KernelColumn::p95:
      return number(g.p95_ns);
    case KernelColumn::spread:
      return number(g.spread_ns());
    case KernelColumn::max:
      return number(g.max_ns);
    case KernelColumn::of_floor:
      return g.of_floor();
  }
  return 0;
}

std::string us(int64_t ns) {
  char digits[40];
  const int64_t size = ns < 0 ? -ns : ns;
  std::snprintf(digits, sizeof digits, ",%s%lld.%03lld", ns < 0 ? "-" : "", static_cast<long long>(size / 1000),
                static_cast<long long>(size % 1000));
  return digits;
}

std::string decimals(double value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, ",%.3f", value);
  return digits;
}

}  // namespace

std::string kernels_csv(const std::vector<KernelGroup>& groups, const std::vector<uint32_t>& rows) {
  std::string out =
      "name,category,count,total_us,share_pct,equal_share_us,hidden_us,median_us,p5_us,p95_us,min_us,max_us,bytes,flops,of_floor_pct\n";
  for (const uint32_t r : rows) {
    const KernelGroup& g = groups[r];
    std::string name;
    for (const char c : g.name) name += c == '"' ? "\"\"" : std::string(1, c);
    out += "\"" + name + "\"," + std::string(trace::title_of(g.category)) + "," + std::to_string(g.count) + us(g.total_ns) +
           decimals(100 * g.share);
    out += g.equal_share_ns >= 0 ? us(g.equal_share_ns) + us(g.hidden_ns) : ",,";
    out += us(g.median_ns) + us(g.p5_ns) + us(g.p95_ns) + us(g.min_ns) + us(g.max_ns);
    out += g.floored_ns > 0 ? "," + std::to_string(g.bytes) + "," + std::to_string(g.flops) : ",,";
    out += (g.of_floor() >= 0 ? decimals(100 * g.of_floor()) : ",") + "\n";
  }
  return out;
}

bool contains_any_case(std::string_view text, std::string_view part) {
  return part.empty() || std::ranges::search(text, part, [](char a, char b) {
                           return lower(a) == lower(b);
                         }).size() == part.size();
}

std::vector<uint32_t> kernel_rows(const std::vector<KernelGroup>& groups, std::string_view filter,
                                  KernelColumn column, bool descending) {
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < groups.size(); ++i) {
    if (contains_any_case(groups[i].name, filter)) rows.push_back(i);
  }
  std::ranges::sort(rows, [&](uint32_t a, uint32_t b) {
    if (column == KernelColumn::name && descending) return groups[a].name > groups[b].name;
    const double x = key_of(groups[a], column), y = key_of(groups[b], column);
    if (x < y || x > y) return descending ? x > y : x < y;
    return groups[a].name < groups[b].name;
  });
  return rows;
}

}  // namespace ui
