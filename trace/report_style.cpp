#include "trace/report_style.h"

namespace trace {
namespace {

struct Style {
  std::string_view colour, legend;
};

constexpr std::array<Style, kCategories> kStyles = [] {
  std::array<Style, kCategories> s{};
  const auto set = [&](Category c, std::string_view colour, std::string_view legend) { s[static_cast<size_t>(c)] = {colour, legend}; };
  constexpr std::string_view kQuiet = "norm · quant · copy";
  set(Category::gemm, "#4fa7a3", "GEMM");
  set(Category::indexer, "#4f7fbf", "indexer");
  set(Category::sparse_mla, "#f08f8f", "sparse MLA");
  set(Category::all_reduce, "#f2a73b", "all-reduce");
  set(Category::routed_expert, "#8e7cf0", "routed expert");
  set(Category::shared_expert, "#c3b5ff", "shared expert");
  set(Category::activation, "#f4d35e", "activation");
  set(Category::concat, "#ff8ad1", "concat");
  set(Category::norm_quant, "#737d8b", kQuiet);
  set(Category::copy, "#737d8b", kQuiet);
  set(Category::rope, "#8fa3b8", "RoPE");
  set(Category::routing, "#9c8f7a", "routing");
  set(Category::fill, "#55606e", "fill");
  set(Category::attention, "#e3b59f", "attention");
  set(Category::other, "#646a72", "other");
  return s;
}();

}  // namespace

std::string_view bar_colour(Category c) { return kStyles[static_cast<size_t>(c)].colour; }
std::string_view legend_of(Category c) { return kStyles[static_cast<size_t>(c)].legend; }

}  // namespace trace
