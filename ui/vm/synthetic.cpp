#include "ui/vm/synthetic.h"

#include <algorithm>
#include <random>
#include <string>

namespace ui {
namespace {

struct KernelKind {
  const char* name;
  trace::Category category;
  int64_t typical_ns;
};
constexpr KernelKind kKinds[] = {
    {"gemm_a8w8_blockscale", trace::Category::gemm, 9000},
    {"rmsnorm_quant", trace::Category::norm_quant, 3200},
    {"mqa_logits_paged", trace::Category::indexer, 7000},
    {"topk_select", trace::Category::indexer, 5200},
    {"sparse_mla_split", trace::Category::sparse_mla, 11000},
    {"concat_rope_nope", trace::Category::concat, 5300},
    {"moe_gate_up", trace::Category::routed_expert, 14000},
    {"silu_mul", trace::Category::activation, 2800},
    {"shared_expert_down", trace::Category::shared_expert, 8000},
    {"cross_device_reduce", trace::Category::all_reduce, 10000},
};
constexpr size_t kKindCount = std::size(kKinds);

int64_t random_gap(std::mt19937_64& rng) {
  const uint64_t dice = rng() % 1000;
  if (dice < 550) return static_cast<int64_t>(rng() % 2);
  if (dice < 900) return 40 + static_cast<int64_t>(rng() % 900);
  if (dice < 960) return 1000 + static_cast<int64_t>(rng() % 1000);
  return 2000 + static_cast<int64_t>(rng() % 9000);
}

// Most work on the first lane, as in a decode step; the others take turns.
uint32_t lane_of(int64_t i, uint32_t lanes) {
  return lanes < 2 || i % 8 < 5 ? 0 : 1 + static_cast<uint32_t>(i / 8) % (lanes - 1);
}

}  // namespace

std::shared_ptr<const trace::Run> synthetic_run(int64_t events, uint32_t lanes, uint64_t seed) {
  auto t = std::make_shared<trace::Trace>();
  t->title = "synthetic, " + std::to_string(events) + " events";
  t->source = "generated";
  t->collector.name = "synthetic";
  t->strings.emplace_back();
  for (const KernelKind& kind : kKinds) t->strings.emplace_back(kind.name);
  t->ops.emplace_back();
  t->devices.push_back({"0", "synthetic device", ""});
  std::vector<uint32_t> next(lanes + 1, 0);
  for (int64_t i = 0; i < events; ++i) ++next[lane_of(i, lanes) + 1];
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    next[lane + 1] += next[lane];
    t->lanes.push_back({.stream = lane,
                        .label = "stream " + std::to_string(lane),
                        .logical = lane,
                        .first = next[lane],
                        .count = next[lane + 1] - next[lane]});
  }
  std::mt19937_64 rng(seed);
  t->events.resize(static_cast<size_t>(events));
  int64_t clock = 0;
  std::vector<int64_t> lane_free(lanes, 0);
  for (int64_t i = 0; i < events; ++i) {
    const size_t kind = static_cast<size_t>(i) % kKindCount;
    const uint32_t lane = lane_of(i, lanes);
    const auto typical = static_cast<uint64_t>(kKinds[kind].typical_ns);
    trace::Event& e = t->events[next[lane]++];
    // Every tenth runs beside the one before it.
    e.start_ns = std::max(i % 10 == 7 ? clock - 1500 : clock, lane_free[lane]);
    e.end_ns = e.start_ns + static_cast<int64_t>(typical / 2 + rng() % typical);
    e.lane = lane;
    e.name = static_cast<trace::StringId>(kind + 1);
    e.category = kKinds[kind].category;
    lane_free[lane] = e.end_ns;
    clock = std::max(clock, e.end_ns) + random_gap(rng);
  }
  auto run = std::make_shared<trace::Run>();
  run->name = t->title;
  run->standing = "synthetic";
  run->trace = std::move(t);
  return run;
}

}  // namespace ui
