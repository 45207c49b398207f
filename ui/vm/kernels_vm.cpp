#include "ui/vm/kernels_vm.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace ui {
namespace {

using trace::Event;
using trace::EventId;

template <class F>
void for_each(const trace::Trace& t, uint32_t device, F&& f) {
  for (const trace::Lane& lane : t.lanes) {
    if (lane.device != device || lane.kind != trace::LaneKind::gpu) continue;
    for (EventId id = lane.first; id < lane.first + lane.count; ++id) f(id, t.events[id]);
  }
}

// Nearest rank: always a duration that was seen.
int64_t quantile(std::span<int64_t> d, double q) {
  const auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(d.size())));
  const auto at = d.begin() + static_cast<ptrdiff_t>(std::max<size_t>(rank, 1) - 1);
  std::ranges::nth_element(d, at);
  return *at;
}

// Durations of all groups in one array, group after group (a counting sort by key). Groups without events are left
// out; the others come by total, largest first.
template <class Key, class Name>
std::vector<KernelGroup> group(const trace::Trace& t, uint32_t device, const Roof& roof, size_t keys, Key&& key_of,
                               Name&& name_of) {
  std::vector<KernelGroup> all(keys);
  std::vector<size_t> first(keys + 1, 0);
  for_each(t, device, [&](EventId id, const Event& e) { ++first[key_of(id, e) + 1]; });
  for (size_t k = 0; k < keys; ++k) first[k + 1] += first[k];
  std::vector<int64_t> durations(first[keys]);
  std::vector<size_t> next(first.begin(), first.end() - 1);
  for_each(t, device, [&](EventId id, const Event& e) {
    const uint32_t key = key_of(id, e);
    const int64_t ns = e.duration_ns();
    durations[next[key]++] = ns;
    KernelGroup& g = all[key];
    g.total_ns += ns;
    if (g.longest == trace::kNone || ns > g.max_ns) g.longest = id, g.max_ns = ns;
    if (!roof.known()) return;
    const trace::Detail* d = t.detail_of(e);
    if (!d || (d->bytes <= 0 && d->flops <= 0)) return;
    g.bytes += std::max<int64_t>(d->bytes, 0);
    g.flops += std::max<int64_t>(d->flops, 0);
    g.floor_ns += roof.floor_ns(d->bytes, d->flops);
    g.floored_ns += ns;
  });
  std::vector<KernelGroup> out;
  int64_t total = 0;
  for (size_t k = 0; k < keys; ++k) {
    const std::span<int64_t> d(durations.data() + first[k], first[k + 1] - first[k]);
    if (d.empty()) continue;
    KernelGroup& g = all[k];
    g.key = static_cast<uint32_t>(k);
    g.name = name_of(k);
    g.count = static_cast<int64_t>(d.size());
    g.median_ns = quantile(d, 0.5);
    g.p5_ns = quantile(d, 0.05);
    g.p95_ns = quantile(d, 0.95);
    g.min_ns = *std::ranges::min_element(d);
    g.category = t.events[g.longest].category;
    total += g.total_ns;
    out.push_back(g);
  }
  for (KernelGroup& g : out) g.share = total > 0 ? static_cast<double>(g.total_ns) / static_cast<double>(total) : 0;
  std::ranges::sort(out, [](const auto& a, const auto& b) {
    return a.total_ns != b.total_ns ? a.total_ns > b.total_ns : a.name < b.name;
  });
  return out;
}

// Equal-share times of groups: `key_of` as above.
template <class Key>
void add_shares(const trace::Trace& t, const trace::Shares& shares, size_t keys, Key&& key_of,
                std::vector<KernelGroup>& groups) {
  std::vector<trace::ShareSum> sums(keys, 0);
  for (size_t i = 0; i < shares.events.size(); ++i) {
    const EventId id = shares.events[i];
    sums[key_of(id, t.events[id])] += shares.event_share[i];
  }
  for (KernelGroup& g : groups) {
    g.equal_share_ns = static_cast<int64_t>((sums[g.key] + trace::kShareUnits / 2) / trace::kShareUnits);
    g.hidden_ns = g.total_ns - g.equal_share_ns;
  }
}

std::shared_ptr<const NameIndex> index_names(const trace::Trace& t, uint32_t device) {
  auto index = std::make_shared<NameIndex>();
  index->first.assign(t.strings.size() + 1, 0);
  for_each(t, device, [&](EventId, const Event& e) { ++index->first[e.name + 1]; });
  for (size_t n = 0; n < t.strings.size(); ++n) index->first[n + 1] += index->first[n];
  index->ids.resize(index->first.back());
  std::vector<uint32_t> next(index->first.begin(), index->first.end() - 1);
  for_each(t, device, [&](EventId id, const Event& e) { index->ids[next[e.name]++] = id; });
  return index;
}

std::vector<KernelGroup> user_groups(KernelStats& s, const trace::Trace& t, uint32_t device) {
  s.rule_of = nullptr;
  if (!s.rules || s.rules->empty()) return {};
  s.rule_of = std::make_shared<const GroupMap>(map_groups(t, *s.rules));
  const GroupMap& map = *s.rule_of;
  const size_t none = s.rules->size();
  const auto key_of = [&](EventId, const Event& e) {
    const int32_t rule = map.of(e);
    return rule >= 0 ? static_cast<uint32_t>(rule) : static_cast<uint32_t>(none);
  };
  return group(t, device, s.roof, none + 1, key_of, [&](size_t k) {
    return k == none ? std::string_view("in no group") : std::string_view((*s.rules)[k].name);
  });
}

bool recorded_layers(const trace::Trace& t) {
  return std::ranges::any_of(t.details, [](const trace::Detail& d) { return d.layer >= 0; });
}

}  // namespace

uint32_t layer_key(const trace::Trace& t, const trace::LayerWindows* layers, bool recorded, EventId id) {
  const Event& e = t.events[id];
  if (recorded) {
    const trace::Detail* d = t.detail_of(e);
    return d && d->layer >= 0 ? static_cast<uint32_t>(d->layer) + 1 : 0;
  }
  if (!layers) return 0;
  for (const trace::LayerWindows::Step& step : layers->detail) {
    if (step.layers.empty() || e.start_ns < step.layers.front().begin_ns || e.start_ns >= step.layers.back().end_ns) continue;
    for (size_t i = 0; i < step.layers.size(); ++i)
      if (e.start_ns >= step.layers[i].begin_ns && e.start_ns < step.layers[i].end_ns) return static_cast<uint32_t>(i) + 1;
  }
  return 0;
}

std::vector<uint32_t> layer_keys(const trace::Trace& t, uint32_t device, const trace::LayerWindows* layers) {
  std::vector<uint32_t> keys(t.events.size(), 0);
  const bool recorded = recorded_layers(t);
  struct Span {
    int64_t begin_ns, end_ns;
    uint32_t key;
  };
  std::vector<Span> spans;
  if (!recorded && layers) {
    for (const trace::LayerWindows::Step& step : layers->detail) {
      for (size_t i = 0; i < step.layers.size(); ++i)
        spans.push_back({step.layers[i].begin_ns, step.layers[i].end_ns, static_cast<uint32_t>(i) + 1});
    }
    std::ranges::sort(spans, {}, &Span::begin_ns);
  }
  for_each(t, device, [&](EventId id, const Event& e) {
    if (recorded) {
      const trace::Detail* d = t.detail_of(e);
      keys[id] = d && d->layer >= 0 ? static_cast<uint32_t>(d->layer) + 1 : 0;
      return;
    }
    const auto after = std::ranges::upper_bound(spans, e.start_ns, {}, &Span::begin_ns);
    if (after != spans.begin() && e.start_ns < std::prev(after)->end_ns) keys[id] = std::prev(after)->key;
  });
  return keys;
}

KernelStats kernel_stats(const trace::Trace& t, const KernelInputs& in) {
  KernelStats s;
  s.names = index_names(t, in.device);
  s.rules = in.rules;
  s.roof = roof_of(t, in.device, in.device_name);
  const auto add = [&](GroupBy by, size_t keys, auto&& key_of, auto&& name_of) {
    std::vector<KernelGroup>& groups = s.groups[static_cast<size_t>(by)];
    groups = group(t, in.device, s.roof, keys, key_of, name_of);
    if (in.shares) add_shares(t, *in.shares, keys, key_of, groups);
  };
  add(GroupBy::kernel, t.strings.size(), [](EventId, const Event& e) { return e.name; },
      [&](size_t k) { return std::string_view(t.strings[k]); });
  add(GroupBy::op, std::max<size_t>(t.ops.size(), 1), [](EventId, const Event& e) { return uint32_t{e.op}; },
      [&](size_t k) { return k == 0 ? std::string_view("not known") : std::string_view(t.ops[k]); });
  add(GroupBy::category, trace::kCategories, [](EventId, const Event& e) { return static_cast<uint32_t>(e.category); },
      [&](size_t k) { return trace::title_of(static_cast<trace::Category>(k)); });
  for (const KernelGroup& g : s.by(GroupBy::category)) s.total_ns += g.total_ns;

  s.layers_recorded = recorded_layers(t);
  const std::vector<uint32_t> layers = layer_keys(t, in.device, in.layers);
  const uint32_t most = layers.empty() ? 0 : *std::ranges::max_element(layers);
  auto names = std::make_shared<std::vector<std::string>>(1, "outside of layers");
  for (uint32_t i = 0; i < most; ++i) names->push_back("layer " + std::to_string(i));
  s.layer_names = std::move(names);
  if (most > 0)
    add(GroupBy::layer, most + 1, [&](EventId id, const Event&) { return layers[id]; },
        [&](size_t k) { return std::string_view((*s.layer_names)[k]); });
  s.groups[static_cast<size_t>(GroupBy::user)] = user_groups(s, t, in.device);
  return s;
}

KernelStats with_groups(const KernelStats& before, const trace::Trace& t, uint32_t device, GroupRulesPtr rules) {
  KernelStats s = before;
  s.rules = std::move(rules);
  s.groups[static_cast<size_t>(GroupBy::user)] = user_groups(s, t, device);
  return s;
}

}  // namespace ui
