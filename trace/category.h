// What a kernel is for, coarse enough for one colour. Op keys ("q_b", "topk") are finer; see kernel_rules.h.
#pragma once
#include <cstdint>
#include <string_view>

namespace trace {

enum class Category : uint8_t {
  gemm,           // projections, absorb and v BMMs, router GEMM, lm_head
  indexer,        // the sparse indexer's own kernels
  sparse_mla,     // attention over the latent cache, partial and combine; dense MLA too
  all_reduce,     // collectives
  routed_expert,
  shared_expert,
  activation,     // SiLU x up
  concat,         // the redundant q concat and other cats
  copy,           // transposes and plain copies, memcpy
  norm_quant,     // norms, activation quantisation
  rope,           // RoPE, with or without cache store
  routing,        // router top-k, sorting, appended shared id
  fill,           // memset and fills
  attention,      // attention of other kinds: MHA, GQA, paged
  other,
  count_
};
inline constexpr int kCategories = static_cast<int>(Category::count_);

std::string_view to_string(Category);    // key: "all_reduce"
std::string_view title_of(Category);     // words: "all-reduce"
// Category::other when there is no such key.
Category category_from(std::string_view key);

}  // namespace trace
