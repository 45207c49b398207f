#include "trace/report_sketch.h"

#include <algorithm>

#include "trace/kernel_names.h"
#include "trace/report_style.h"

namespace trace {
namespace {

// A piece of a strip of memory (or of time): its text, its share of the width, and what it is: d = data,
// e = another tensor's data, n = newly written copy, v = a view (no bytes of its own), f = filled, g = untouched.
struct Piece {
  std::string_view text;
  double width;
  char kind;
};
struct Strip {
  std::string_view label;
  std::vector<Piece> pieces;
};
// Strips from top to bottom; `arrow` is written between the first two.
struct Side {
  std::vector<Strip> strips;
  std::string_view arrow;
};
struct Sketch {
  ToggleKey key;
  Side before, after;
};

const std::vector<Sketch>& sketches() {
  static const std::vector<Sketch> all = {
      {ToggleKey::cat_skip,
       {{{"q_cat, as the projections wrote it", {{"q_nope 512", 8, 'd'}, {"rope 64", 2, 'e'}}}, {"q_all", {{"q_nope 512", 8, 'n'}, {"rope 64", 2, 'n'}}}}, "copied by a concat kernel"},
       {{{"q_cat", {{"q_nope 512", 8, 'd'}, {"rope 64", 2, 'e'}}}, {"q_all", {{"a view of the same bytes", 10, 'v'}}}}, "no bytes move"}},
      {ToggleKey::x_scale,
       {{{"scales (M, K/128), row-major", {{"m0 k0 k1 k2 ...", 5, 'd'}, {"m1 k0 k1 k2 ...", 5, 'e'}}}, {"scales (K/128, M)", {{"k0 m0 m1", 3, 'n'}, {"k1 m0 m1", 3, 'n'}, {"k2 ...", 4, 'n'}}}},
        "a transpose copy before each GEMM"},
       {{{"scales (K/128, M), as the producer wrote them", {{"k0 m0 m1", 3, 'd'}, {"k1 m0 m1", 3, 'd'}, {"k2 ...", 4, 'd'}}}, {"what the GEMM reads", {{"the same bytes, by their tag", 10, 'v'}}}}, "no bytes move"}},
      {ToggleKey::v_layout,
       {{{"(heads, batch, v)", {{"h0 b0", 2.5, 'd'}, {"h0 b1", 2.5, 'e'}, {"h1 b0", 2.5, 'd'}, {"h1 b1", 2.5, 'e'}}}, {"(batch, heads, v)", {{"b0 h0", 2.5, 'n'}, {"b0 h1", 2.5, 'n'}, {"b1 h0", 2.5, 'n'}, {"b1 h1", 2.5, 'n'}}}},
        "flatten copies"},
       {{{"(batch, heads, v), written through strides", {{"b0 h0", 2.5, 'd'}, {"b0 h1", 2.5, 'd'}, {"b1 h0", 2.5, 'e'}, {"b1 h1", 2.5, 'e'}}}, {"flattened", {{"a view", 10, 'v'}}}}, "no bytes move"}},
      {ToggleKey::head_gates,
       {{{"launches, in time", {{"cast", 1.4, 'n'}, {"GEMM", 1.8, 'd'}, {"reduce", 1.6, 'n'}, {"x s1", 1.4, 'n'}, {"x s2", 1.4, 'n'}, {"x s3", 1.4, 'n'}}}}, ""},
       {{{"launches, in time", {{"GEMM, bf16", 3, 'd'}, {"all scalings", 2.4, 'd'}, {"", 4.6, 'g'}}}}, ""}},
      {ToggleKey::rope_update,
       {{{"q and k", {{"rotated", 10, 'd'}}}, {"clones", {{"copied out", 5, 'n'}, {"copied back", 5, 'n'}}}}, "written over themselves"},
       {{{"q and k", {{"rotated in place", 10, 'd'}}}, {"guard", {{"same pointer, shape, stride: nothing to do", 10, 'v'}}}}, "no bytes move"}},
      {ToggleKey::index_layout,
       {{{"index-K page, row by row", {{"token 0: 128 B", 3.3, 'd'}, {"token 1: 128 B", 3.3, 'e'}, {"token 2 ...", 3.4, 'd'}}}}, ""},
       {{{"the same page in tiles of 16 tokens x 16 bytes", {{"t0-15, B 0-15", 3.3, 'd'}, {"t0-15, B 16-31", 3.3, 'd'}, {"... as the MFMA reads them", 3.4, 'd'}}}}, ""}},
      {ToggleKey::page_size,
       {{{"block table", {{"p0", 1, 'd'}, {"p1", 1, 'd'}, {"p2", 1, 'd'}, {"p3", 1, 'd'}, {"p4", 1, 'd'}, {"... one entry a token", 5, 'd'}}}}, ""},
       {{{"block table", {{"p0: 64 tokens", 3, 'd'}, {"p1: 64 tokens", 3, 'd'}, {"max_context / 64 entries", 4, 'g'}}}}, ""}},
      {ToggleKey::logits_init,
       {{{"index logits, max_context wide", {{"computed", 3, 'd'}, {"filled with -inf", 7, 'f'}}}}, ""}, {{{"index logits, max_context wide", {{"computed", 3, 'd'}, {"never written, never read", 7, 'g'}}}}, ""}},
      {ToggleKey::streams,
       {{{"stream 0", {{"q_a", 1.5, 'd'}, {"indexer chain", 3.5, 'e'}, {"q_b, absorb", 2.5, 'd'}, {"sparse MLA", 2.5, 'd'}}}}, ""},
        {{{"stream 0", {{"q_a", 1.5, 'd'}, {"q_b, absorb", 2.5, 'd'}, {"join", 1, 'g'}, {"sparse MLA", 2.5, 'd'}, {"", 2.5, 'g'}}}, {"stream 1", {{"", 1.5, 'g'}, {"indexer chain", 3.5, 'e'}, {"", 5, 'g'}}}}, ""}},
      {ToggleKey::launch,
       {{{"host", {{"call", 2, 'n'}, {"call", 2, 'n'}, {"call", 2, 'n'}, {"call", 2, 'n'}, {"...", 2, 'n'}}}, {"GPU", {{"", 1, 'g'}, {"k", 1, 'd'}, {"", 1, 'g'}, {"k", 1, 'd'}, {"", 1, 'g'}, {"k", 1, 'd'}, {"", 1, 'g'}, {"k", 1, 'd'}, {"", 2, 'g'}}}}, "one launch a kernel"},
       {{{"host", {{"one graph launch", 3, 'n'}, {"", 7, 'g'}}}, {"GPU", {{"", 1, 'g'}, {"k", 1.5, 'd'}, {"k", 1.5, 'd'}, {"k", 1.5, 'd'}, {"k", 1.5, 'd'}, {"", 3, 'g'}}}}, "one launch a step"}},
      {ToggleKey::kv_dtype,
       {{{"a token in the latent cache, bf16", {{"latent 512 x 2 B", 8.9, 'd'}, {"rope", 1.1, 'e'}}}}, ""}, {{{"the same, fp8: half the bytes", {{"512 x 1 B", 4.45, 'd'}, {"rope", 0.6, 'e'}, {"", 4.95, 'g'}}}}, ""}},
  };
  return all;
}

void draw_side(HtmlWriter& out, std::string_view title, std::string_view words, const Side& side) {
  constexpr double kWidth = 420, kUnit = kWidth / 10;
  const int height = 46 * static_cast<int>(side.strips.size());
  out.put("<figure class=\"sketch\"><figcaption><b>{}</b> {}</figcaption><svg width=\"{}\" height=\"{}\" role=\"img\" aria-label=\"{}\">", title, words, kWidth + 2, height, words);
  int y = 0;
  for (size_t i = 0; i < side.strips.size(); ++i, y += 46) {
    out.put("<text class=\"strip-label\" x=\"0\" y=\"{}\">{}</text>", y + 11, side.strips[i].label);
    if (i == 1 && !side.arrow.empty()) out.put("<text class=\"arrow\" x=\"{}\" y=\"{}\" text-anchor=\"end\">↓ {}</text>", kWidth, y + 11, side.arrow);
    double x = 0;
    for (const Piece& piece : side.strips[i].pieces) {
      out.put("<rect class=\"piece {}\" x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" height=\"22\"/>", std::string(1, piece.kind), x + 0.5, y + 17, piece.width * kUnit - 1);
      if (!piece.text.empty()) out.put("<text class=\"piece-text\" x=\"{:.1f}\" y=\"{}\">{}</text>", x + 5, y + 32, piece.text);
      x += piece.width * kUnit;
    }
  }
  out.literal("</svg></figure>");
}

std::string short_name(const Trace& t, const Event& e) {
  std::string name(e.op ? t.op_of(e) : bare_kernel_name(t.name_of(e)));
  if (name.size() > 30) name = name.substr(0, 29) + "…";
  return name;
}

void box(HtmlWriter& out, const ReportRun& r, EventId id, bool marked) {
  const Event& e = r.trace->events[id];
  out.put("<span class=\"box{}\" title=\"{}\"><i style=\"background:{}\"></i>{}<em>{} us</em></span>", marked ? " marked" : "", r.trace->name_of(e), bar_colour(e.category), short_name(*r.trace, e),
          report_us(e.duration_ns()));
}

// Events of the main window in their order, and the places of each name.
struct Order {
  std::vector<EventId> ids;
  size_t find(const Trace& t, std::string_view name) const {
    return static_cast<size_t>(std::ranges::find_if(ids, [&](EventId id) { return t.name_of(t.events[id]) == name; }) - ids.begin());
  }
};

void chain(HtmlWriter& out, const ReportRun& has, const ReportRun& lacks, const std::string& name, const char* side, const char* other) {
  const Order mine{events_in(*has.trace, has.events, has.main)}, theirs{events_in(*lacks.trace, lacks.events, lacks.main)};
  const size_t at = mine.find(*has.trace, name);
  if (at == mine.ids.size()) return;
  out.put("<div class=\"pipeline\"><b>{}</b>", side);
  for (size_t i = at >= 2 ? at - 2 : 0; i < std::min(at + 3, mine.ids.size()); ++i) box(out, has, mine.ids[i], i == at);
  // Where the other side ran the kernel before it, what comes after that.
  size_t from = theirs.ids.size();
  if (at > 0) from = theirs.find(*lacks.trace, has.trace->name_of(has.trace->events[mine.ids[at - 1]]));
  if (from < theirs.ids.size()) {
    out.put("</div><div class=\"pipeline\"><b>{}</b>", other);
    for (size_t i = from >= 1 ? from - 1 : 0; i < std::min(from + 3, theirs.ids.size()); ++i) box(out, lacks, theirs.ids[i], false);
  }
  out.literal("</div>");
}

}  // namespace

Markup toggle_sketch(ToggleKey key) {
  HtmlWriter out;
  const ToggleInfo& row = info(key);
  const auto found = std::ranges::find(sketches(), key, &Sketch::key);
  if (found == sketches().end()) return {};
  out.put("<div class=\"switch\"><h3>{} <small>{} · {} · {}</small></h3><div class=\"sides\">", row.title, row.name, row.source, to_string(row.equivalence));
  draw_side(out, row.values[0], row.before, found->before);
  draw_side(out, row.values[static_cast<size_t>(row.value_count - 1)], row.after, found->after);
  out.literal("</div></div>\n");
  return out.take();
}

Markup kernel_pipelines(const ReportRun& a, const ReportRun& b, const Comparison& c, size_t most) {
  HtmlWriter out;
  size_t told = 0;
  for (const auto& k : c.only_a) {
    if (told++ == most) break;
    out.put("<h3>Only in A: {} <small>{} x, {} us</small></h3>", bare_kernel_name(k.name), k.a_count, report_us(k.a_ns));
    chain(out, a, b, k.name, "A", "B");
  }
  told = 0;
  for (const auto& k : c.only_b) {
    if (told++ == most) break;
    out.put("<h3>Only in B: {} <small>{} x, {} us</small></h3>", bare_kernel_name(k.name), k.b_count, report_us(k.b_ns));
    chain(out, b, a, k.name, "B", "A");
  }
  return out.take();
}

}  // namespace trace
