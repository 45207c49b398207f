// Shared memory of each kernel at the largest shapes of the published models: glm-5 at tp 8 (hidden 6144, 8 heads, 256
// experts), kimi-k2 and deepseek-v3.2 (hidden 7168, 384 experts, 16 heads at tp 8), 128 tokens. The launch rules say it;
// "kernel bytes" a line, for tests/gpu/gfx950.py.
#include <cstdio>
#include <map>

#include "kernels/gpu/launch.h"

using namespace kernels;

namespace {

std::map<std::string, int64_t> most;
bool failed = false;

void launch(const OpArgs& args) {
  gpu::Traits gfx950;
  gfx950.wave = 64, gfx950.units = 256, gfx950.lds_bytes = 160 * 1024;
  const gpu::Launch l = gpu::launch_of(args, gfx950);
  if (!l.refused.empty()) {
    std::fprintf(stderr, "refused: %s\n", l.refused.c_str());
    failed = true;
    return;
  }
  int64_t& bytes = most[std::string(gpu::key_of(l.kernel))];
  bytes = std::max(bytes, l.lds_bytes);
}

void norms() {
  RmsNormArgs rms;
  rms.M = 128, rms.D = rms.x_stride = 7168;
  launch(rms);
  QkNormArgs qk;
  qk.q = qk.kv = rms;
  qk.q.D = 2048, qk.kv.D = 512;
  launch(qk);
  LayerNormArgs layer;
  layer.M = 128, layer.D = layer.x_stride = 128;
  launch(layer);
}

void products() {
  for (const int64_t M : {16, 32, 128}) {
    GemmFp8Args fp8;
    fp8.M = M, fp8.N = 2624, fp8.K = 7168;
    launch(fp8);
    GemmBf16Args bf16;
    bf16.M = M, bf16.N = 2112, bf16.K = bf16.x_stride = 7168, bf16.splits = 1;
    launch(bf16);
    bf16.x_format = Format::f32;
    launch(bf16);
    GemmMxArgs mx;
    mx.M = M, mx.N = 2112, mx.K = 7168;
    launch(mx);
  }
  for (const WeightFormat format : {WeightFormat::fp8, WeightFormat::bf16, WeightFormat::mxfp4}) {
    BmmArgs bmm;
    bmm.H = 16, bmm.N = 256, bmm.K = 512, bmm.format = format;
    for (const int64_t M : {16, 128}) {
      bmm.M = M;
      launch(bmm);
    }
  }
}

void attention() {
  for (const Format format : {Format::e4m3, Format::bf16}) {
    SparsePartialArgs sparse;
    sparse.M = 128, sparse.H = 16, sparse.topk = 2048, sparse.splits = 4;
    sparse.cache.format = sparse.q_format = format, sparse.cache.latent = 512, sparse.cache.rope = 64;
    launch(sparse);
    DensePartialArgs dense;
    dense.B = 128, dense.next_n = 1, dense.H = 16, dense.splits = 8;
    dense.cache = sparse.cache, dense.q_format = format;
    launch(dense);
  }
  SparseCombineArgs combine;
  combine.H = 16, combine.splits = 8, combine.latent = 512;
  for (const int64_t M : {16, 128}) {
    combine.M = M;
    launch(combine);
  }
  combine.M = 1, combine.splits = 128;
  launch(combine);
  TopkArgs topk;
  topk.B = 128, topk.next_n = 1, topk.k = 2048, topk.S = 131072;
  launch(topk);
}

void experts() {
  RouterTopkArgs router;
  router.M = 128, router.E = 384, router.k = 8, router.groups = 1;
  launch(router);
  MoeSortArgs sort;
  sort.M = 128, sort.k = 9, sort.E = 385;
  launch(sort);
  MoeGateUpArgs up;
  up.experts.M = 128, up.experts.k = 9, up.experts.E = 385, up.N = 512, up.K = 7168;
  up.x.layout = ScaleLayout::row, up.x.format = up.w.format = WeightFormat::fp8;
  launch(up);
  MoeDownArgs down;
  down.experts = up.experts, down.x = up.x, down.w = up.w, down.N = 7168, down.K = 256;
  launch(down);
  ArgmaxArgs argmax;
  argmax.M = 128, argmax.V = 163840;
  launch(argmax);
}

}  // namespace

int main() {
  norms();
  products();
  attention();
  experts();
  for (const auto& [kernel, bytes] : most) std::printf("%s %lld\n", kernel.c_str(), static_cast<long long>(bytes));
  return failed;
}
