#include "ui/vm/pipeline.h"

#include <algorithm>
#include <map>

#include "trace/kernel_names.h"

namespace ui {
namespace {

using trace::Event;
using trace::EventId;
using Names = std::vector<std::string>;

// Ops by layer, in start order, of the first whole step. A recorder that numbers no steps has one.
std::map<int32_t, Names> layers_of(const trace::Trace& t) {
  int32_t step = INT32_MAX;
  for (const Event& e : t.events) {
    if (e.step >= 0) step = std::min(step, e.step);
  }
  std::vector<EventId> ids;
  for (EventId id = 0; id < t.events.size(); ++id) {
    const trace::Detail* d = t.detail_of(t.events[id]);
    if (d && d->layer >= 0 && (step == INT32_MAX || t.events[id].step == step)) ids.push_back(id);
  }
  std::ranges::stable_sort(ids, {}, [&](EventId id) { return t.events[id].start_ns; });
  std::map<int32_t, Names> layers;
  for (const EventId id : ids) {
    const Event& e = t.events[id];
    layers[t.detail_of(e)->layer].emplace_back(e.op != 0 ? t.op_of(e) : trace::bare_kernel_name(t.name_of(e)));
  }
  return layers;
}

}  // namespace

// Layers have some fifty ops: a table of all pairs is small.
std::vector<PipelineOp> difference(const Names& a, const Names& b) {
  std::vector<std::vector<uint16_t>> length(a.size() + 1, std::vector<uint16_t>(b.size() + 1, 0));
  for (size_t i = a.size(); i-- > 0;) {
    for (size_t k = b.size(); k-- > 0;)
      length[i][k] = a[i] == b[k] ? static_cast<uint16_t>(length[i + 1][k + 1] + 1) : std::max(length[i + 1][k], length[i][k + 1]);
  }
  std::vector<PipelineOp> out;
  size_t i = 0, k = 0;
  while (i < a.size() || k < b.size()) {
    if (i < a.size() && k < b.size() && a[i] == b[k]) {
      out.push_back({a[i], 0});
      ++i, ++k;
    } else if (k == b.size() || (i < a.size() && length[i + 1][k] >= length[i][k + 1])) {
      out.push_back({a[i++], -1});
    } else {
      out.push_back({b[k++], 1});
    }
  }
  return out;
}

std::vector<PipelineOp> pipeline_diff(const trace::Trace& before, const trace::Trace& after) {
  const auto a = layers_of(before), b = layers_of(after);
  for (const auto& [layer, names] : a) {
    const auto other = b.find(layer);
    if (other == b.end() || names == other->second || names.size() > 2000 || other->second.size() > 2000) continue;
    return difference(names, other->second);
  }
  return {};
}

std::vector<PipelineOp> around_changes(const std::vector<PipelineOp>& all, size_t context) {
  std::vector<PipelineOp> out;
  for (const size_t i : places_around_changes(all, context)) out.push_back(i < all.size() ? all[i] : PipelineOp{"…", 0});
  return out;
}

}  // namespace ui
