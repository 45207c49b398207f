// The list of ops: the one place to add one. Each line is a key (what `check` and `bench` print)
// and its arguments (kernels/<op>.h). A launch is an OpArgs; a backend is a table with one function
// an op.
#pragma once
#include <variant>

#include "kernels/argmax.h"
#include "kernels/bmm.h"
#include "kernels/concat.h"
#include "kernels/dense_mla.h"
#include "kernels/embed.h"
#include "kernels/fill.h"
#include "kernels/gemm_bf16.h"
#include "kernels/gemm_fp8.h"
#include "kernels/gemm_mxfp4.h"
#include "kernels/group_quant.h"
#include "kernels/hadamard.h"
#include "kernels/head_gates.h"
#include "kernels/index_quant.h"
#include "kernels/index_rope.h"
#include "kernels/index_store.h"
#include "kernels/layer_norm.h"
#include "kernels/moe_gemm.h"
#include "kernels/moe_route.h"
#include "kernels/mqa_logits.h"
#include "kernels/mx_quant.h"
#include "kernels/query_scale.h"
#include "kernels/ragged.h"
#include "kernels/rms_norm.h"
#include "kernels/rope_cat_store.h"
#include "kernels/router_topk.h"
#include "kernels/scale_transpose.h"
#include "kernels/silu_mul.h"
#include "kernels/sparse_mla.h"
#include "kernels/strided_copy.h"
#include "kernels/topk.h"

#define DS_OPS(X)                        \
  X(embed, EmbedArgs)                    \
  X(rms_norm, RmsNormArgs)               \
  X(qk_norm, QkNormArgs)                 \
  X(layer_norm, LayerNormArgs)           \
  X(scale_transpose, ScaleTransposeArgs) \
  X(group_quant, GroupQuantArgs)         \
  X(gemm_fp8, GemmFp8Args)               \
  X(mx_quant, MxQuantArgs)               \
  X(gemm_mxfp4, GemmMxArgs)              \
  X(gemm_bf16, GemmBf16Args)             \
  X(split_reduce, SplitReduceArgs)       \
  X(bmm, BmmArgs)                        \
  X(index_rope, IndexRopeArgs)           \
  X(strided_copy, StridedCopyArgs)       \
  X(hadamard, HadamardArgs)              \
  X(index_quant, IndexQuantArgs)         \
  X(index_store, IndexStoreArgs)         \
  X(index_gather, IndexGatherArgs)       \
  X(cast, CastArgs)                      \
  X(scale, ScaleArgs)                    \
  X(head_gates, HeadGateArgs)            \
  X(fill, FillArgs)                      \
  X(mqa_logits, MqaLogitsArgs)           \
  X(topk, TopkArgs)                      \
  X(rope_cat_store, RopeCatStoreArgs)    \
  X(query_scale, QueryScaleArgs)         \
  X(concat, ConcatArgs)                  \
  X(sparse_mla, SparsePartialArgs)       \
  X(dense_mla, DensePartialArgs)         \
  X(sparse_combine, SparseCombineArgs)   \
  X(router_topk, RouterTopkArgs)         \
  X(append_shared, AppendSharedArgs)     \
  X(moe_sort, MoeSortArgs)               \
  X(moe_gate_up, MoeGateUpArgs)          \
  X(silu_mul, SiluMulArgs)               \
  X(moe_down, MoeDownArgs)               \
  X(argmax, ArgmaxArgs)                  \
  X(ragged_logits, RaggedLogitsArgs)     \
  X(ragged_topk, RaggedTopkArgs)

namespace kernels {

enum class Op : uint8_t {
#define X(key, Args) key,
  DS_OPS(X)
#undef X
      count_
};
inline constexpr int kOps = static_cast<int>(Op::count_);

// In the order of Op: index() is the op. The last alternative only closes the list.
using OpArgs = std::variant<
#define X(key, Args) Args,
    DS_OPS(X)
#undef X
        std::monostate>;

inline Op op_of(const OpArgs& args) {
  return static_cast<Op>(args.index());
}
std::string_view key_of(Op);

Status check(const OpArgs&);
Cost cost(const OpArgs&);
Cost cost_as_routed(const OpArgs&);  // the same once it has run: experts' weights by the rows they were given
std::vector<Tensor> outputs(const OpArgs&);
namespace reference {
std::vector<Expected> run(const OpArgs&);
}

struct Backend {
  std::string_view name;
  std::array<void (*)(const OpArgs&, Part), kOps> run;
  void operator()(const OpArgs& args, Part part) const { run[args.index()](args, part); }
};
const Backend& cpu_backend();

}  // namespace kernels
