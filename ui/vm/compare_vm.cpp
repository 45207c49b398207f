#include "ui/vm/compare_vm.h"

#include <algorithm>

#include "ui/vm/format.h"
#include "ui/vm/names.h"

namespace ui {
namespace {

MatchRowVm match_row(const trace::MatchedKernel& k) {
  const auto median = [](double us, int64_t count) {
    return count > 0 ? number_text(us, 2) : std::string(kNothing);
  };
  const auto count = [](int64_t n) { return n > 0 ? count_text(n) : std::string(kNothing); };
  MatchRowVm row;
  row.name = k.name;
  row.a_count = count(k.a_count);
  row.b_count = count(k.b_count);
  row.a_median = median(k.a_median_us, k.a_count);
  row.b_median = median(k.b_median_us, k.b_count);
  row.a_total = k.a_count > 0 ? us_text(k.a_ns) : std::string(kNothing);
  row.b_total = k.b_count > 0 ? us_text(k.b_ns) : std::string(kNothing);
  row.delta_ns = k.b_ns - k.a_ns;
  row.delta = signed_us_text(row.delta_ns);
  return row;
}

}  // namespace

WaterfallVm waterfall_vm(const std::vector<trace::Contributor>& contributors, int64_t a_ns,
                         int64_t b_ns) {
  WaterfallVm vm;
  std::vector<const trace::Contributor*> order;
  int64_t sum = 0;
  for (const trace::Contributor& c : contributors) {
    sum += c.ns;
    if (c.ns != 0 || c.hidden_ns != 0) order.push_back(&c);
  }
  std::ranges::stable_sort(order, [](const auto* x, const auto* y) { return x->ns > y->ns; });
  int64_t at = 0;
  for (const trace::Contributor* c : order) {
    WaterfallBarVm bar{
        .name = c->name, .from_ns = at, .to_ns = at + c->ns, .text = signed_us_text(c->ns)};
    if (c->hidden_ns != 0)
      bar.hint = "hidden behind other work: " + signed_us_text(c->hidden_ns) + " µs";
    at = bar.to_ns;
    vm.bars.push_back(std::move(bar));
  }
  vm.sums = sum == b_ns - a_ns;
  vm.bars.push_back({.name = "= wall",
                     .from_ns = 0,
                     .to_ns = b_ns - a_ns,
                     .text = signed_us_text(b_ns - a_ns),
                     .total = true});
  for (const WaterfallBarVm& bar : vm.bars) {
    vm.low_ns = std::min({vm.low_ns, bar.from_ns, bar.to_ns});
    vm.high_ns = std::max({vm.high_ns, bar.from_ns, bar.to_ns});
  }
  vm.headline = signed_us_text(b_ns - a_ns) + " µs: " + us_text(a_ns) + " → " + us_text(b_ns);
  return vm;
}

CompareVm compare_vm(const trace::Comparison& c) {
  CompareVm vm;
  vm.waterfall = waterfall_vm(c.waterfall.contributors, c.waterfall.a_ns, c.waterfall.b_ns);
  vm.second_view = waterfall_vm(c.second_view, c.waterfall.a_ns, c.waterfall.b_ns);
  for (const auto& k : c.matched) vm.matched.push_back(match_row(k));
  for (const auto& k : c.only_a) vm.only_a.push_back(match_row(k));
  for (const auto& k : c.only_b) vm.only_b.push_back(match_row(k));
  vm.caveats = c.caveats;
  return vm;
}

}  // namespace ui
