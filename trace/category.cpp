#include "trace/category.h"

#include <array>

namespace trace {
namespace {

struct Row {
  std::string_view key, title;
};

constexpr std::array<Row, kCategories> kRows{{
    {"gemm", "GEMM"},
    {"indexer", "indexer"},
    {"sparse_mla", "sparse MLA"},
    {"all_reduce", "all-reduce"},
    {"routed_expert", "routed expert"},
    {"shared_expert", "shared expert"},
    {"activation", "activation"},
    {"concat", "concat"},
    {"copy", "copy"},
    {"norm_quant", "norm / quant"},
    {"rope", "RoPE"},
    {"routing", "routing"},
    {"fill", "fill"},
    {"attention", "attention"},
    {"other", "other"},
}};

}  // namespace

std::string_view to_string(Category category) {
  return kRows[static_cast<size_t>(category)].key;
}

std::string_view title_of(Category category) {
  return kRows[static_cast<size_t>(category)].title;
}

Category category_from(std::string_view key) {
  for (size_t i = 0; i < kRows.size(); ++i)
    if (kRows[i].key == key) return static_cast<Category>(i);
  return Category::other;
}

}  // namespace trace
