// Every pointer of every op's arguments, listed once.
#include "kernels/gpu/device.h"

namespace kernels::gpu {
namespace {

template <class F>
void pointers(EmbedArgs& a, F f) {
  f(a.tokens), f(a.table), f(a.out);
}
template <class F>
void pointers(QuantIn& q, F f) {
  f(q.values), f(q.scales);
}
template <class F>
void pointers(QuantOut& q, F f) {
  f(q.values), f(q.scales);
}
template <class F>
void pointers(RmsNormArgs& a, F f) {
  f(a.x), f(a.residual), f(a.residual_out), f(a.weight), f(a.out);
  pointers(a.quant, f);
}
template <class F>
void pointers(QkNormArgs& a, F f) {
  pointers(a.q, f);
  pointers(a.kv, f);
}
template <class F>
void pointers(LayerNormArgs& a, F f) {
  f(a.x), f(a.weight), f(a.bias), f(a.out);
}
template <class F>
void pointers(ScaleTransposeArgs& a, F f) {
  f(a.in), f(a.out);
}
template <class F>
void pointers(GroupQuantArgs& a, F f) {
  f(a.x);
  pointers(a.out, f);
}
template <class F>
void pointers(GemmFp8Args& a, F f) {
  pointers(a.x, f);
  f(a.w), f(a.w_scales), f(a.out);
}
template <class F>
void pointers(GemmBf16Args& a, F f) {
  f(a.x), f(a.w), f(a.out);
}
template <class F>
void pointers(SplitReduceArgs& a, F f) {
  f(a.parts), f(a.out);
}
template <class F>
void pointers(BmmArgs& a, F f) {
  f(a.x), f(a.w), f(a.w_scales), f(a.out);
}
template <class F>
void pointers(MxQuantArgs& a, F f) {
  f(a.x), f(a.out.values), f(a.out.scales);
}
template <class F>
void pointers(GemmMxArgs& a, F f) {
  f(a.x.values), f(a.x.scales), f(a.w), f(a.w_scales), f(a.out);
}
template <class F>
void pointers(DensePartialArgs& a, F f) {
  f(a.q), f(a.cache.data), f(a.slot_table), f(a.lengths), f(a.out), f(a.lse);
}
template <class F>
void pointers(RopeTable& t, F f) {
  f(t.cos), f(t.sin);
}
template <class F>
void pointers(IndexRopeArgs& a, F f) {
  f(a.q), f(a.k), f(a.q_out), f(a.k_out), f(a.positions);
  pointers(a.table, f);
}
template <class F>
void pointers(StridedCopyArgs& a, F f) {
  f(a.in), f(a.out);
}
template <class F>
void pointers(HadamardArgs& a, F f) {
  f(a.x);
}
template <class F>
void pointers(IndexQuantArgs& a, F f) {
  f(a.x), f(a.out), f(a.scales);
}
template <class F>
void pointers(IndexStoreArgs& a, F f) {
  f(a.k), f(a.slots), f(a.cache.data);
}
template <class F>
void pointers(IndexGatherArgs& a, F f) {
  f(a.cache.data), f(a.slots), f(a.keys), f(a.scales);
}
template <class F>
void pointers(CastArgs& a, F f) {
  f(a.in), f(a.out);
}
template <class F>
void pointers(ScaleArgs& a, F f) {
  f(a.in), f(a.by), f(a.out);
}
template <class F>
void pointers(HeadGateArgs& a, F f) {
  f(a.projection), f(a.q_scales), f(a.out);
}
template <class F>
void pointers(FillArgs& a, F f) {
  f(a.out);
}
template <class F>
void pointers(MqaLogitsArgs& a, F f) {
  f(a.q), f(a.gates), f(a.cache.data), f(a.block_table), f(a.lengths), f(a.logits);
}
template <class F>
void pointers(TopkArgs& a, F f) {
  f(a.logits), f(a.lengths), f(a.slot_table), f(a.slots);
}
template <class F>
void pointers(RopeCatStoreArgs& a, F f) {
  f(a.q_nope), f(a.q_pe), f(a.k_nope), f(a.k_pe), f(a.positions), f(a.slots), f(a.q_out),
      f(a.cache.data);
  pointers(a.table, f);
}
template <class F>
void pointers(QueryScaleArgs& a, F f) {
  f(a.q), f(a.positions);
}
template <class F>
void pointers(ConcatArgs& a, F f) {
  f(a.a), f(a.b), f(a.out);
}
template <class F>
void pointers(SparsePartialArgs& a, F f) {
  f(a.q), f(a.cache.data), f(a.slots), f(a.out), f(a.lse);
}
template <class F>
void pointers(SparseCombineArgs& a, F f) {
  f(a.partial), f(a.lse), f(a.out);
}
template <class F>
void pointers(RouterTopkArgs& a, F f) {
  f(a.logits), f(a.bias), f(a.ids), f(a.weights);
}
template <class F>
void pointers(AppendSharedArgs& a, F f) {
  f(a.ids), f(a.weights), f(a.ids_out), f(a.weights_out);
}
template <class F>
void pointers(MoeSortArgs& a, F f) {
  f(a.ids), f(a.rows), f(a.offsets);
}
template <class F>
void pointers(ExpertRows& e, F f) {
  f(e.rows), f(e.offsets);
}
template <class F>
void pointers(MoeGateUpArgs& a, F f) {
  f(a.x.values), f(a.x.scales), f(a.w.values), f(a.w.scales), f(a.out);
  pointers(a.experts, f);
}
template <class F>
void pointers(SiluMulArgs& a, F f) {
  f(a.x), f(a.out);
}
template <class F>
void pointers(MoeDownArgs& a, F f) {
  f(a.x.values), f(a.x.scales), f(a.w.values), f(a.w.scales), f(a.weights), f(a.out);
  pointers(a.experts, f);
}
template <class F>
void pointers(ArgmaxArgs& a, F f) {
  f(a.logits), f(a.out);
}

}  // namespace

void* Mirror::device_of(const void* host) const {
  const auto at = reinterpret_cast<uintptr_t>(host);
  for (const Block& b : m_blocks) {
    if (at >= b.host && at - b.host < static_cast<uintptr_t>(b.bytes)) return b.device + (at - b.host);
  }
  return nullptr;
}

void for_each_pointer(const OpArgs& args, const std::function<void(const void*)>& see) {
  std::visit(
      [&](auto a) {
        const auto show = [&](auto& pointer) {
          if (pointer) see(pointer);
        };
        if constexpr (requires { pointers(a, show); }) pointers(a, show);
      },
      args);
}

Status Mirror::moved(const OpArgs& args, OpArgs* out) const {
  *out = args;
  const std::string op(kernels::key_of(op_of(args)));
  return std::visit(
      [&](auto& a) -> Status {
        Status status;
        const auto move = [&](auto& pointer) {
          if (!pointer) return;
          void* there = device_of(pointer);
          if (!there) status.error = op + ": a tensor that is not on the device";
          pointer = static_cast<std::remove_reference_t<decltype(pointer)>>(there);
        };
        if constexpr (requires { pointers(a, move); })
          pointers(a, move);
        else
          status.error = op + ": not available on a GPU yet, its tensors are not listed";
        return status;
      },
      *out);
}

}  // namespace kernels::gpu
