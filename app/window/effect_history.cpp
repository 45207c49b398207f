// One kernel's durations in the stored runs: read one after another on the worker, newest first.
#include <algorithm>

#include "app/window/effect_runner.h"
#include "ui/vm/kernel_series.h"
#include "ui/vm/runs_vm.h"

namespace app {
namespace {

constexpr size_t kMostRuns = 40;
constexpr int kBins = 48;

std::vector<int64_t> durations_of(const trace::Trace& t, const std::string& name, const std::string& op) {
  const auto index = [](const std::vector<std::string>& texts, const std::string& text) {
    const auto at = std::ranges::find(texts, text);
    return at == texts.end() ? -1 : at - texts.begin();
  };
  const auto by_name = index(t.strings, name), by_op = op.empty() ? -1 : index(t.ops, op);
  std::vector<int64_t> out;
  for (const trace::Event& e : t.events) {
    if (by_op > 0 ? e.op == by_op : static_cast<int64_t>(e.name) == by_name) out.push_back(e.duration_ns());
  }
  return out;
}

ui::KernelHistoryState read_history(StoreLink& store, const std::string& name, const std::string& op, TaskControl& control) {
  ui::KernelHistoryState h{.name = name, .op = op};
  auto listing = store.list();
  if (!listing.ok()) {
    h.problem = listing.error().line();
    return h;
  }
  std::vector<std::vector<int64_t>> durations;
  const size_t runs = std::min(listing->runs.size(), kMostRuns);
  for (size_t i = 0; i < runs && !control.cancel; ++i) {
    const trace::Run& stored = listing->runs[i];
    const auto run = store.load(stored.id);
    control.fraction = static_cast<double>(i + 1) / static_cast<double>(runs);
    if (!run.ok() || !run.value()->trace) continue;
    ++h.looked;
    std::vector<int64_t> found = durations_of(*run.value()->trace, name, op);
    if (found.empty()) continue;
    h.rows.push_back({.run = stored.id, .title = stored.name, .when = ui::short_time(stored.created), .histogram = {},
                      .count = static_cast<int64_t>(found.size())});
    durations.push_back(std::move(found));
  }
  int64_t least = INT64_MAX, most = 0;
  for (const auto& d : durations) {
    least = std::min(least, *std::ranges::min_element(d));
    most = std::max(most, *std::ranges::max_element(d));
  }
  for (size_t i = 0; i < durations.size(); ++i)
    h.rows[i].histogram = ui::kernel_histogram(std::move(durations[i]), kBins, -1, least, most);
  return h;
}

}  // namespace

void EffectRunner::operator()(const effect::KernelHistory& e) {
  StoreLink* store = bench.m_parts.store.get();
  if (!store) return;
  bench.m_io->post(
      [store, e](TaskControl& control) -> std::optional<Outcome> {
        try {
          return outcome::KernelHistory{e.job, read_history(*store, e.name, e.op, control)};
        } catch (const std::exception& error) {
          return outcome::KernelHistory{e.job, {.name = e.name, .op = e.op, .problem = error.what()}};
        }
      },
      e.job);
}

void EffectRunner::operator()(const effect::SaveSettings&) {
  bench.save_settings();
}

}  // namespace app
