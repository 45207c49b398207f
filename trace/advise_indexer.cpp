// Switches of the sparse indexer.
#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "trace/advise_switches.h"

namespace trace {

using E = SwitchEvidence;
using F = SwitchFinding;
using W = SwitchWorth;
using namespace finding;

static F no_indexer() {
  return none("needs a sparse indexer: none ran");
}

// --- head_gates

// What unfused gates launch beyond one projection and one scaling.
static OpUse eager_gates(const E& e) {
  return e.uses.of_any({"gates_cast", "gates_reduce", "gates_scale_heads", "gates_scale_q"});
}

F find_head_gates(const E& e) {
  if (!e.indexers) return no_indexer();
  const OpUse gates = e.uses.of("head_gates"), eager = eager_gates(e);
  if (eager.count() || gates.count() > e.indexers) {
    OpUse all = eager;
    all.add(gates);
    return off(
        "unfused",
        fmt::format("{} launches scale the head gates of {} index passes", all.count(), e.indexers),
        all);
  }
  if (gates.count())
    return on("fused",
              fmt::format("one launch an index pass scales the head gates: {}", e.name(gates)),
              gates);
  if (e.uses.has("index_fused"))
    return on("fused", fmt::format("part of {}", e.name(e.uses.of("index_fused"))),
              e.uses.of("index_fused"));
  return untold("no kernel before the index logits is known to scale head gates");
}

W worth_head_gates(const E& e) {
  if (const OpUse eager = eager_gates(e); eager.count()) return all_of(eager);
  const OpUse& gates = e.uses.of("head_gates");
  if (gates.count() <= e.indexers) return {};
  const int64_t stays = e.ns_of_shortest(gates, e.indexers);
  return {gates, gates.ns - stays,
          fmt::format("{} - the {} shortest, since one an index pass stays, {}", count_text(gates),
                      e.indexers, us_text(stays))};
}

// --- rope_update

static OpUse write_backs(const E& e) {
  OpUse out = e.uses.of_any({"rope_clone", "rope_write_back"});
  for (const EventId id : e.uses.of("index_rope_part").events) {
    const OpUse one{{id}, clipped_ns(e.trace.events[id], e.uses.window())};
    if (e.named(one, {"direct_copy"})) out.add(one);
  }
  return out;
}

W worth_rope_update(const E& e) {
  return all_of(write_backs(e));
}

F find_rope_update(const E& e) {
  if (!e.indexers) return no_indexer();
  const OpUse copies = write_backs(e);
  if (copies.count())
    return off("clone",
               e.uses.has("index_rope_part")
                   ? fmt::format(
                         "the indexer's RoPE runs in {} pieces into new memory and {} copies bring "
                         "it back: they can go only once it writes in place",
                         e.uses.of("index_rope_part").count() + e.uses.of("index_rope_cat").count(),
                         copies.count())
                   : fmt::format("{} copies around the indexer's RoPE, which writes in place",
                                 copies.count()),
               copies);
  const OpUse rope = e.uses.of_any({"index_rope", "index_fused"});
  if (rope.count())
    return on("guarded",
              fmt::format("{} rotates q and k of the indexer in place: nothing is copied back",
                          e.name(rope)),
              rope);
  return untold("no RoPE of the indexer is known by name or place");
}

// --- index_layout, page_size: read off the index logits kernel's name

// Page size that DeepGEMM compiles in: paged_mqa_logits<next_n, heads, dim, page, ...>. 0 = not
// said.
static int compiled_page_size(const E& e, const OpUse& logits) {
  if (logits.events.empty()) return 0;
  std::string_view name = e.trace.name_of(e.trace.events[logits.events[0]]);
  const size_t at = name.find("paged_mqa_logits<");
  if (at == std::string_view::npos) return 0;
  name.remove_prefix(name.find('<', at) + 1);
  for (int comma = 0; comma < 3; ++comma) {
    const size_t next = name.find(", ");
    if (next == std::string_view::npos) return 0;
    name.remove_prefix(next + 2);
  }
  int page = 0;
  std::from_chars(name.data(), name.data() + name.size(), page);
  return page;
}

F find_index_layout(const E& e) {
  if (!e.indexers) return no_indexer();
  const OpUse& logits = e.uses.of("mqa_logits");
  if (e.named(logits, {"preshuffle"}))
    return on("preshuffle", fmt::format("{} reads pages in 16x16-byte tiles", e.name(logits)),
              logits);
  if (compiled_page_size(e, logits))
    return none(fmt::format(
        "{} reads row-major pages and has no other layout: upstream has the switch on HIP only",
        e.name(logits)));
  if (e.named(logits, {"paged_mqa_logits"}))
    return off("row", fmt::format("{} reads row-major pages", e.name(logits)), logits);
  return untold(
      fmt::format("the name {} does not say how index pages are laid out", e.name(logits)));
}

F find_page_size(const E& e) {
  if (!e.indexers) return no_indexer();
  const OpUse& logits = e.uses.of("mqa_logits");
  if (const int page = compiled_page_size(e, logits))
    return {page > 1 ? SwitchState::on : SwitchState::off, std::to_string(page),
            fmt::format("{} is compiled for pages of {} tokens", e.name(logits), page), logits};
  if (e.named(logits, {"preshuffle"}))
    return on(
        "64",
        fmt::format("{} needs pages of a multiple of 16 tokens, and upstream pairs it with 64",
                    e.name(logits)),
        logits);
  if (e.named(logits, {"paged_mqa_logits"}))
    return off("1",
               fmt::format("{} without preshuffle: upstream runs it with one token a page",
                           e.name(logits)),
               logits);
  return untold(fmt::format("the name {} does not say the page size", e.name(logits)));
}

W worth_logits(const E& e) {
  W w = all_of(e.uses.of("mqa_logits"));
  w.how +=
      " of index logits, which would be faster, not gone; index_layout and page_size share this "
      "bound";
  return w;
}

// --- logits_init

F find_logits_init(const E& e) {
  if (!e.indexers) return no_indexer();
  const OpUse& fills = e.uses.of("logits_fill");
  if (fills.count())
    return off("full",
               fmt::format("{} fills the index logits before they are written", e.name(fills)),
               fills);
  const int64_t others = e.uses.count({"moe_fill", "fill", "memset"});
  return on(
      "empty",
      fmt::format("nothing fills the index logits before {}{}", e.name(e.uses.of("mqa_logits")),
                  others ? fmt::format(" ({} other fill{} ran, not for them)", others,
                                       others == 1 ? "" : "s")
                         : ""),
      e.uses.of("mqa_logits"));
}

// --- streams

static int lanes_with_kernels(const E& e) {
  std::set<uint32_t> lanes;
  for (const EventId id : e.uses.events()) {
    const Event& event = e.trace.events[id];
    if (event.kind == EventKind::kernel) lanes.insert(e.trace.lanes[event.lane].logical);
  }
  return static_cast<int>(lanes.size());
}

static Tally fork_and_join(const E& e) {
  Tally t;
  for (const Bubble& b : e.bubbles.bubbles)
    if (b.cause == BubbleCause::fork || b.cause == BubbleCause::join) t.add(b.ns());
  return t;
}

// The two branches that a second stream lets run beside each other, after q_a's norm.
static OpUse index_branch(const E& e) {
  return e.uses.of_any({"q_lora_quant",
                        "wq_b",
                        "wk_quant",
                        "wk",
                        "k_norm",
                        "index_rope",
                        "index_rope_part",
                        "index_rope_cat",
                        "rope_clone",
                        "rope_write_back",
                        "hadamard",
                        "hadamard_q",
                        "hadamard_k",
                        "index_q_quant",
                        "index_k_quant",
                        "index_k_store",
                        "index_fused",
                        "weights_proj",
                        "weights_proj_reduce",
                        "gates_cast",
                        "gates_reduce",
                        "gates_scale_heads",
                        "gates_scale_q",
                        "head_gates",
                        "logits_fill",
                        "mqa_logits",
                        "topk"});
}
static OpUse query_branch(const E& e) {
  return e.uses.of_any({"q_b_quant", "q_b", "absorb", "rope_cat_store", "q_concat", "mla_rope_part",
                        "mla_rope_cat"});
}

F find_streams(const E& e) {
  if (!e.indexers) return no_indexer();
  const int lanes = lanes_with_kernels(e);
  if (lanes < 2) return off("single", "every kernel runs on one stream", e.uses.of("mqa_logits"));
  const Tally idle = fork_and_join(e);
  return on("dual",
            fmt::format(
                "kernels run on {} streams; the device is idle at {} of their forks and joins, {}",
                lanes, idle.count, us_text(idle.ns)),
            e.uses.of("mqa_logits"));
}

W worth_streams(const E& e) {
  const OpUse index = index_branch(e), query = query_branch(e);
  W w{index.ns < query.ns ? index : query, std::min(index.ns, query.ns), {}};
  w.how = fmt::format(
      "the shorter branch hidden beside the longer: {} of q_b, absorb and RoPE, {} of the indexer; "
      "joins cost, and on MI355X the published layer became slower",
      us_text(query.ns), us_text(index.ns));
  return w;
}

}  // namespace trace
