#include "ui/vm/compare_vm.h"

#include <algorithm>
#include <array>

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
  row.op = k.op;
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
  // What tracing adds lies between the traced walls and the untraced headline.
  int64_t sum = 0, delta = b_ns - a_ns;
  bool untraced = false;
  for (const trace::Contributor& c : contributors) {
    sum += c.ns;
    if (c.name == "tracing") {
      delta += c.ns;
      untraced = true;
    }
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
  vm.sums = sum == delta;
  vm.bars.push_back({.name = untraced ? "= step, untraced" : "= wall",
                     .from_ns = 0,
                     .to_ns = delta,
                     .text = signed_us_text(delta),
                     .total = true});
  for (const WaterfallBarVm& bar : vm.bars) {
    vm.low_ns = std::min({vm.low_ns, bar.from_ns, bar.to_ns});
    vm.high_ns = std::max({vm.high_ns, bar.from_ns, bar.to_ns});
  }
  vm.headline = signed_us_text(b_ns - a_ns) + " µs: " + us_text(a_ns) + " → " + us_text(b_ns) + (untraced ? ", traced" : "");
  return vm;
}

ComparedWindows windows_to_compare(const RunAnalysis& a, const RunAnalysis& b, CompareScope scope) {
  ComparedWindows all{a.report->window, b.report->window, CompareScope::all, {}};
  const auto several = [](const RunAnalysis& r) { return r.layers && r.layers->step_windows.size() > 1; };
  if (scope == CompareScope::automatic) scope = several(a) && several(b) ? CompareScope::step : CompareScope::all;
  if (scope == CompareScope::all) return all;
  const bool step = scope == CompareScope::step;
  const auto window = [&](const RunAnalysis& r) -> std::optional<trace::Window> {
    if (!r.layers) return std::nullopt;
    return step ? trace::medoid_step(*r.layers) : trace::medoid_layer(*r.layers);
  };
  const auto wa = window(a), wb = window(b);
  if (wa && wb) return {*wa, *wb, scope, {}};
  all.unavailable = std::string(wa ? "the second" : "the first") + " has no " + (step ? "steps" : "layers") + " that the rule found: all of both is compared";
  return all;
}

std::vector<trace::Contributor> path_contributors(const trace::Comparison& c, const trace::Trace& a, const trace::Trace& b) {
  std::array<int64_t, trace::kCategories> owned{};
  const auto add = [&](const trace::CriticalPath& path, const trace::Trace& t, int64_t sign) {
    for (const trace::PathStep& s : path.steps) owned[static_cast<size_t>(t.events[s.event].category)] += sign * s.owned_ns;
  };
  add(c.path_a, a, -1);
  add(c.path_b, b, 1);
  std::vector<trace::Contributor> out;
  for (int k = 0; k < trace::kCategories; ++k) {
    if (owned[static_cast<size_t>(k)] != 0)
      out.push_back({std::string(trace::title_of(static_cast<trace::Category>(k))), owned[static_cast<size_t>(k)], 0});
  }
  out.push_back({"waits", c.path_b.waits_ns - c.path_a.waits_ns, 0});
  if (const int64_t lead = c.path_b.lead_in_ns - c.path_a.lead_in_ns; lead != 0) out.push_back({"lead-in", lead, 0});
  return out;
}

CompareVm compare_vm(const trace::Comparison& c, CompareScope used, const trace::Trace& a, const trace::Trace& b,
                     const MatchSamples* samples) {
  CompareVm vm;
  vm.path = waterfall_vm(path_contributors(c, a, b), c.a.wall_ns, c.b.wall_ns);
  vm.scope = used == CompareScope::step    ? "one step of each, the one closest to the median"
             : used == CompareScope::layer ? "one layer of each, the one closest to the median"
                                           : "all of each";
  vm.waterfall = waterfall_vm(c.waterfall.contributors, c.waterfall.a_ns, c.waterfall.b_ns);
  vm.second_view = waterfall_vm(c.second_view, c.a.wall_ns, c.b.wall_ns);
  for (size_t i = 0; i < c.matched.size(); ++i) {
    vm.matched.push_back(match_row(c.matched[i]));
    if (!samples || i >= samples->delta.size() || !samples->delta[i].has_interval) continue;
    const MedianDelta& d = samples->delta[i];
    vm.matched.back().interval = signed_text(d.lo_us, 2) + " … " + signed_text(d.hi_us, 2);
  }
  for (const auto& k : c.only_a) vm.only_a.push_back(match_row(k));
  for (const auto& k : c.only_b) vm.only_b.push_back(match_row(k));
  vm.caveats = c.caveats;
  return vm;
}

}  // namespace ui
