#include "trace/advise_switches.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "trace/kernel_names.h"
#include "trace/launches.h"

namespace trace {
namespace {

using E = SwitchEvidence;
using F = SwitchFinding;
using W = SwitchWorth;
using namespace finding;

// --- cat_skip

OpUse concats(const E& e) {
  return e.uses.of("concat");
}

F find_cat_skip(const E& e) {
  const OpUse cats = concats(e);
  if (cats.count())
    return off(
        "off",
        fmt::format("{} rebuilds q_all after the fused RoPE kernel has already written it as q_cat",
                    e.name(cats)),
        cats);
  const OpUse& fused = e.uses.of("rope_cat_store");
  if (fused.count())
    return on("on",
              fmt::format("{} writes q_cat and attention reads it as it is: no concat between them",
                          e.name(fused)),
              fused);
  const OpUse first = e.uses.of_any({"q_concat", "cat", "mla_rope_cat"});
  if (first.count())
    return none(
        fmt::format("RoPE and concat are not one kernel here, so {} builds q for the first time "
                    "({}): there is no copy to skip",
                    e.name(e.uses.has("q_concat") ? e.uses.of("q_concat") : first),
                    count_text(e.uses.has("q_concat") ? e.uses.of("q_concat") : first)));
  return none("no concat of q and no fused RoPE kernel ran");
}

// --- x_scale

OpUse block_scaled(const E& e) {
  OpUse out;
  for (const EventId id : e.uses.events()) {
    const Event& event = e.trace.events[id];
    if (event.category != Category::gemm) continue;
    OpUse one{{id}, clipped_ns(event, e.uses.window())};
    if (e.named(one, {"blockscale", "deep_gemm", "w8a8_block", "fp8_gemm", "gemm_fp8"}))
      out.add(one);
  }
  return out;
}

F find_x_scale(const E& e) {
  const OpUse& copies = e.uses.of("x_scale_copy");
  if (copies.count())
    return off(
        "copy",
        fmt::format("{} copies of activation scales into column order before block-scaled GEMMs",
                    copies.count()),
        copies);
  const OpUse gemms = block_scaled(e);
  if (gemms.count())
    return on("transposed",
              fmt::format("{} block-scaled GEMMs and no copy of scales before them", gemms.count()),
              gemms);
  return none("no fp8 block-scaled GEMM that would want its scales in column order");
}

// --- v_layout

F find_v_layout(const E& e) {
  const OpUse& copies = e.uses.of("v_flatten_copy");
  const OpUse v = e.uses.of_any({"v_bmm"});
  const bool fp4 = e.named(v, {"wfp4", "mxfp4"});
  if (copies.count())
    return off("heads_major",
               fmt::format("the v product is flattened with a copy before o_proj{}",
                           fp4 ? "" : "; published for MXFP4 w_vc, which this is not"),
               copies);
  if (fp4) return on("batch_major", "the MXFP4 v product is followed by o_proj without a copy", v);
  if (v.count())
    return none(fmt::format("w_vc is not MXFP4 and nothing copies its output: {}",
                            e.uses.has("attn_quant")
                                ? "the quantisation before o_proj reads through its strides"
                                : "nothing to gain"));
  return none("no v product of latent attention ran");
}

// --- launch

F find_launch(const E& e) {
  const Launches launches(e.trace, e.uses.window().device);
  int64_t known = 0, most = 0, in_graphs = 0;
  for (const EventId id : e.uses.events()) {
    const Event& event = e.trace.events[id];
    if (event.kind != EventKind::kernel || event.correlation == kNoCorrelation) continue;
    ++known;
    const int64_t kernels = launches.of(event.correlation).kernels;
    most = std::max(most, kernels);
    in_graphs += kernels > 1;
  }
  if (known == 0) return untold("the file holds no launch records");
  if (in_graphs * 2 > known)
    return on("graph", fmt::format("{} of {} kernels were launched by graphs, up to {} by one",
                                   in_graphs, known, most));
  return off("eager",
             fmt::format("{} of {} kernels have a launch of their own", known - in_graphs, known));
}

// The idle time for which a late launch is to blame: what a graph would spare at most. Between steps it stays: a graph is a step.
W worth_launch(const E& e) {
  Tally host;
  for (const Bubble& b : e.bubbles.bubbles)
    if (b.cause == BubbleCause::host && b.scope == BubbleScope::in_step) host.add(b.ns());
  return {{},
          host.ns,
          fmt::format("{} gaps in which the device waited for its next launch", host.count)};
}

// --- kv_dtype

OpUse cache_readers(const E& e) {
  return e.uses.of_any({"sparse_partial", "mla"});
}

F find_kv_dtype(const E& e) {
  const OpUse cats = concats(e), readers = cache_readers(e), quants = e.uses.of("kv_quant");
  if (quants.count())
    return on("fp8", fmt::format("{} quantises keys and values for the cache", e.name(quants)),
              quants);
  if (e.named(readers, {"fp8", "e4m3", "a8w8"}))
    return on("fp8", fmt::format("{} reads an fp8 cache", e.name(readers)), readers);
  if (e.named(readers, {"a16w16"}))
    return off("bf16", fmt::format("{} reads a 16-bit cache", e.name(readers)), readers);
  if (e.named(cats, {"OpaqueType<1u>"}))
    return on("fp8", "the concat of q moves elements of one byte, so q_cat and the cache are fp8",
              cats);
  if (e.named(cats, {"OpaqueType<2u>"}))
    return off("bf16",
               "the concat of q moves elements of two bytes, so q_cat and the cache are 16-bit",
               cats);
  return untold("no kernel's name carries the format of the cache");
}

W worth_kv_dtype(const E& e) {
  const OpUse readers = cache_readers(e);
  return {readers, readers.ns / 2,
          fmt::format("half of {}, which read half the bytes", count_text(readers))};
}

struct Row {
  ToggleKey key;
  F (*find)(const E&);
  W (*worth)(const E&);
};

constexpr std::array<Row, kToggles> kRows = {{
    {ToggleKey::cat_skip, find_cat_skip, [](const E& e) { return all_of(concats(e)); }},
    {ToggleKey::x_scale, find_x_scale,
     [](const E& e) { return all_of(e.uses.of("x_scale_copy")); }},
    {ToggleKey::v_layout, find_v_layout,
     [](const E& e) { return all_of(e.uses.of("v_flatten_copy")); }},
    {ToggleKey::head_gates, find_head_gates, worth_head_gates},
    {ToggleKey::rope_update, find_rope_update, worth_rope_update},
    {ToggleKey::index_layout, find_index_layout, worth_logits},
    {ToggleKey::page_size, find_page_size, worth_logits},
    {ToggleKey::logits_init, find_logits_init,
     [](const E& e) { return all_of(e.uses.of("logits_fill")); }},
    {ToggleKey::streams, find_streams, worth_streams},
    {ToggleKey::launch, find_launch, worth_launch},
    {ToggleKey::kv_dtype, find_kv_dtype, worth_kv_dtype},
}};

const Row& row_of(ToggleKey key) {
  const Row& row = kRows[static_cast<size_t>(key)];
  assert(row.key == key);
  return row;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::string SwitchEvidence::name(const OpUse& use) const {
  if (use.events.empty()) return "";
  return fmt::format("`{}`", bare_kernel_name(trace.name_of(trace.events[use.events[0]])));
}

SwitchWorth all_of(OpUse use) {
  const int64_t ns = use.ns;
  std::string how = count_text(use);
  return {std::move(use), ns, std::move(how)};
}

bool SwitchEvidence::named(const OpUse& use, std::initializer_list<std::string_view> texts) const {
  StringId last = kNone;
  for (const EventId id : use.events) {
    const Event& event = trace.events[id];
    if (event.name == last) continue;
    last = event.name;
    const std::string_view name = trace.name_of(event);
    for (const std::string_view text : texts)
      if (std::ranges::search(name, text, {}, lower, lower).begin() != name.end()) return true;
  }
  return false;
}

SwitchFinding find_switch(ToggleKey key, const SwitchEvidence& e) {
  return row_of(key).find(e);
}

SwitchWorth worth_of_switch(ToggleKey key, const SwitchEvidence& e) {
  return row_of(key).worth(e);
}

std::string us_text(int64_t ns) {
  return fmt::format("{}{}.{:03} us", ns < 0 ? "-" : "", std::abs(ns) / 1000, std::abs(ns) % 1000);
}

std::string count_text(const OpUse& use) {
  if (use.count() == 0) return "0 kernels";
  if (use.count() == 1) return fmt::format("1 kernel of {}", us_text(use.ns));
  return fmt::format("{} kernels of {:.3f} us on average = {}", use.count(),
                     static_cast<double>(use.ns) / 1000 / static_cast<double>(use.count()),
                     us_text(use.ns));
}

}  // namespace trace
