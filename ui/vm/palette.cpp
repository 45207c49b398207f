#include "ui/vm/palette.h"

#include <array>

namespace ui {
namespace {

using trace::BubbleKind;
using trace::Category;

constexpr Palette kDark{.background = rgb(0x0d1014),
                        .panel = rgb(0x14181e),
                        .raised = rgb(0x1a2028),
                        .line = rgb(0x262d37),
                        .text = rgb(0xe6e9ee),
                        .dim = rgb(0x8b95a3),
                        .faint = rgb(0x5a6472),
                        .accent = rgb(0x5ee0b0),
                        .stall = rgb(0xff5d5d),
                        .fence = rgb(0xf2a73b),
                        .dispatch = rgb(0x6db3f2),
                        .overlap = rgb(0xb58cff),
                        .contiguous = rgb(0x8b95a3),
                        .on_bar = rgb(0x0d1014),
                        .lane = rgb(0x101419)};

// The same roles on paper; signal colours are darker so that thin text in them stays legible.
constexpr Palette kLight{.background = rgb(0xfbfbfa),
                         .panel = rgb(0xf5f5f3),
                         .raised = rgb(0xe9eae7),
                         .line = rgb(0xd8dad6),
                         .text = rgb(0x15181d),
                         .dim = rgb(0x59626e),
                         .faint = rgb(0x8c949e),
                         .accent = rgb(0x0b8a62),
                         .stall = rgb(0xcf3030),
                         .fence = rgb(0xa8650a),
                         .dispatch = rgb(0x2273ba),
                         .overlap = rgb(0x7443cf),
                         .contiguous = rgb(0x59626e),
                         .on_bar = rgb(0x15181d),
                         .lane = rgb(0xefefec)};

constexpr const char* kQuiet = "norm · quant · copy";

constexpr std::array<CategoryStyle, trace::kCategories> make_styles() {
  std::array<CategoryStyle, trace::kCategories> s{};
  auto set = [&](Category c, uint32_t hex, Mark mark, const char* legend) {
    s[static_cast<size_t>(c)] = {rgb(hex), mark, legend};
  };
  set(Category::gemm, 0x4fa7a3, Mark::none, "GEMM");
  set(Category::indexer, 0x4f7fbf, Mark::none, "indexer");
  set(Category::sparse_mla, 0xf08f8f, Mark::top, "sparse MLA");
  set(Category::all_reduce, 0xf2a73b, Mark::none, "all-reduce");
  set(Category::routed_expert, 0x8e7cf0, Mark::none, "routed expert");
  set(Category::shared_expert, 0xc3b5ff, Mark::none, "shared expert");
  set(Category::activation, 0xf4d35e, Mark::centre, "activation");
  set(Category::concat, 0xff8ad1, Mark::both, "concat");
  set(Category::norm_quant, 0x737d8b, Mark::bottom, kQuiet);
  set(Category::copy, 0x737d8b, Mark::both, kQuiet);
  set(Category::rope, 0x8fa3b8, Mark::top, "RoPE");
  set(Category::routing, 0x9c8f7a, Mark::centre, "routing");
  set(Category::fill, 0x55606e, Mark::top, "fill");
  set(Category::attention, 0xe3b59f, Mark::bottom, "attention");
  set(Category::other, 0x646a72, Mark::none, "other");
  return s;
}
constexpr auto kStyles = make_styles();

}  // namespace

const Palette& palette(ThemeName theme) {
  return theme == ThemeName::dark ? kDark : kLight;
}

const CategoryStyle& style_of(Category c) {
  const auto i = static_cast<size_t>(c);
  return kStyles[i < kStyles.size() ? i : static_cast<size_t>(Category::other)];
}

Rgb colour_of(BubbleKind kind, const Palette& p) {
  switch (kind) {
    case BubbleKind::contiguous:
      return p.contiguous;
    case BubbleKind::dispatch:
      return p.dispatch;
    case BubbleKind::fence:
      return p.fence;
    case BubbleKind::stall:
      return p.stall;
  }
  return p.faint;
}

}  // namespace ui
