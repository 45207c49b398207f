#include "kernels/cases.h"

#include <numeric>

namespace kernels {

OpArgs make_case(Op op, Workspace& w, Random& r) {
  switch (op) {
#define X(key, Args)         \
  case Op::key: {            \
    Args args;               \
    cases::make(w, r, args); \
    return args;             \
  }
    DS_OPS(X)
#undef X
    case Op::count_:
      break;
  }
  return std::monostate{};
}

namespace cases {

Bf16* normals(Workspace& w, Random& r, int64_t n, double scale) {
  Bf16* x = w.make<Bf16>(n);
  for (int64_t i = 0; i < n; ++i) x[i] = to_bf16(static_cast<float>(r.normal() * scale));
  return x;
}

float* floats(Workspace& w, Random& r, int64_t n, double scale) {
  float* x = w.make<float>(n);
  for (int64_t i = 0; i < n; ++i) x[i] = static_cast<float>(r.normal() * scale);
  return x;
}

E4m3* codes(Workspace& w, Random& r, int64_t n) {
  E4m3* x = w.make<E4m3>(n);
  for (int64_t i = 0; i < n; ++i) {
    x[i].bits = static_cast<uint8_t>(r.next());
    if ((x[i].bits & 0x7f) == 0x7f) x[i].bits = 0x80;
  }
  return x;
}

float* scales(Workspace& w, Random& r, int64_t n, double around) {
  float* x = w.make<float>(n);
  for (int64_t i = 0; i < n; ++i) x[i] = static_cast<float>(around * (0.7 + r.uniform()));
  return x;
}

QuantIn quantised(Workspace& w, Random& r, int64_t rows, int64_t columns, ScaleLayout layout) {
  return {codes(w, r, rows * columns), scales(w, r, rows * columns / kGroup, 0.02), layout};
}

QuantOut quant_out(Workspace& w, Random& r, int64_t rows, int64_t columns) {
  return {w.make<E4m3>(rows * columns), w.make<float>(rows * columns / kGroup),
          r.chance(0.5) ? ScaleLayout::row : ScaleLayout::column};
}

int32_t* integers(Workspace& w, const std::vector<int32_t>& values) {
  auto* x = w.make<int32_t>(static_cast<int64_t>(values.size()));
  std::copy(values.begin(), values.end(), x);
  return x;
}

RopeTable rope_table(Workspace& w, Random& r, int64_t rows, int64_t rope) {
  Bf16 *cos = w.make<Bf16>(rows * rope / 2), *sin = w.make<Bf16>(rows * rope / 2);
  for (int64_t i = 0; i < rows * rope / 2; ++i) {
    const double angle = r.uniform() * 6.283;
    cos[i] = to_bf16(static_cast<float>(std::cos(angle)));
    sin[i] = to_bf16(static_cast<float>(std::sin(angle)));
  }
  return {cos, sin, rows};
}

int32_t* positions(Workspace& w, Random& r, int64_t n, int64_t below) {
  std::vector<int32_t> x;
  for (int64_t i = 0; i < n; ++i) x.push_back(static_cast<int32_t>(r.below(below)));
  return integers(w, x);
}

void make(Workspace& w, Random& r, EmbedArgs& a) {
  a.M = tokens(r), a.vocab = r.pick({1, 17, 300}), a.hidden = r.pick({16, 128, 200});
  a.tokens = positions(w, r, a.M, a.vocab);
  a.table = normals(w, r, a.vocab * a.hidden);
  a.out = w.make<Bf16>(a.M * a.hidden);
}

void make(Workspace& w, Random& r, RmsNormArgs& a) {
  a.M = tokens(r), a.D = r.pick({128, 512, 1024});
  a.x_stride = a.D + r.pick({0, 0, 64});
  a.x = normals(w, r, a.M * a.x_stride, std::exp2(static_cast<double>(r.pick({-12, 0, 9}))));
  a.weight = normals(w, r, a.D);
  const bool add = r.chance(0.6);
  if (add) a.residual = normals(w, r, a.M * a.D);
  if (add || r.chance(0.3)) {
    a.residual_out = add && r.chance(0.5) ? const_cast<Bf16*>(a.residual) : w.make<Bf16>(a.M * a.D);
  }
  const int64_t what = r.below(3);
  if (what != 0) a.quant = quant_out(w, r, a.M, a.D);
  if (what != 1) a.out = w.make<Bf16>(a.M * a.D);
}

void make(Workspace& w, Random& r, QkNormArgs& a) {
  make(w, r, a.q);
  a.kv = RmsNormArgs{};
  a.kv.M = a.q.M, a.kv.D = 512, a.kv.x_stride = 512 + 64;
  a.kv.x = normals(w, r, a.kv.M * a.kv.x_stride);
  a.kv.weight = normals(w, r, a.kv.D);
  a.kv.out = w.make<Bf16>(a.kv.M * a.kv.D);
}

void make(Workspace& w, Random& r, LayerNormArgs& a) {
  a.M = tokens(r), a.D = r.pick({128, 256}), a.x_stride = a.D + r.pick({0, 32});
  a.x = normals(w, r, a.M * a.x_stride, 3);
  a.weight = normals(w, r, a.D);
  a.bias = normals(w, r, a.D, 0.3);
  a.out = w.make<Bf16>(a.M * a.D);
}

void make(Workspace& w, Random& r, ScaleTransposeArgs& a) {
  a.M = tokens(r), a.G = r.pick({1, 3, 8});
  a.from = r.chance(0.5) ? ScaleLayout::row : ScaleLayout::column;
  a.to = a.from == ScaleLayout::row ? ScaleLayout::column : ScaleLayout::row;
  a.in = scales(w, r, a.M * a.G, 1);
  a.out = w.make<float>(a.M * a.G);
}

void make(Workspace& w, Random& r, GroupQuantArgs& a) {
  a.M = tokens(r), a.H = r.pick({1, 4}), a.D = r.pick({128, 256, 512});
  if (a.H == 4 && r.chance(0.3)) a.D = 32;  // a group that spans the heads
  const bool heads_major = r.chance(0.5);
  a.x_head_stride = heads_major ? a.M * a.D : a.D;
  a.x_stride = heads_major ? a.D : a.H * a.D;
  Bf16* x = normals(w, r, a.M * a.H * a.D, std::exp2(static_cast<double>(r.pick({-20, 0, 10}))));
  if (r.chance(0.3)) std::fill(x, x + a.D, Bf16{0});  // amax 0: the floor of the scale
  a.x = x;
  a.out = quant_out(w, r, a.M, a.H * a.D);
}

void make(Workspace& w, Random& r, GemmFp8Args& a) {
  a.M = tokens(r), a.N = r.pick({1, 96, 128, 320}), a.K = r.pick({128, 384, 1024});
  a.x = quantised(w, r, a.M, a.K, r.chance(0.5) ? ScaleLayout::row : ScaleLayout::column);
  a.reads = a.x.layout;
  a.w = codes(w, r, a.N * a.K);
  a.w_scales = scales(w, r, (a.N + 127) / 128 * (a.K / 128), 0.05);
  a.out_stride = a.N + r.pick({0, 5});
  a.out = w.make<Bf16>(a.M * a.out_stride);
}

void make(Workspace& w, Random& r, GemmBf16Args& a) {
  a.M = tokens(r), a.N = r.pick({1, 8, 100}), a.K = r.pick({256, 1024}),
  a.splits = r.pick({1, 1, 2, 4});
  a.x_format = r.chance(0.5) ? Format::bf16 : Format::f32;
  a.x_stride = a.K + r.pick({0, 16});
  if (a.x_format == Format::bf16)
    a.x = normals(w, r, a.M * a.x_stride);
  else
    a.x = floats(w, r, a.M * a.x_stride);
  a.w = normals(w, r, a.N * a.K, 0.1);
  a.out_format = a.splits > 1 || r.chance(0.5) ? Format::f32 : Format::bf16;
  a.out_stride = a.N + r.pick({0, 3});
  a.out = w.bytes(a.splits * a.M * a.out_stride * size_of(a.out_format));
}

void make(Workspace& w, Random& r, SplitReduceArgs& a) {
  a.n = r.pick({1, 31, 512}), a.splits = r.pick({1, 2, 4});
  a.parts = floats(w, r, a.n * a.splits);
  a.out = w.make<float>(a.n);
}

MxOut mx_out(Workspace& w, Random& r, int64_t rows, int64_t columns) {
  return {w.make<uint8_t>(rows * columns / 2), w.make<uint8_t>(rows * columns / kMxGroup),
          r.chance(0.5) ? ScaleLayout::row : ScaleLayout::column};
}

MxIn mx_random(Workspace& w, Random& r, int64_t rows, int64_t columns, ScaleLayout layout) {
  auto* values = w.make<uint8_t>(rows * columns / 2);
  auto* scales = w.make<uint8_t>(rows * columns / kMxGroup);
  for (int64_t i = 0; i < rows * columns / 2; ++i) values[i] = static_cast<uint8_t>(r.next());
  for (int64_t i = 0; i < rows * columns / kMxGroup; ++i)
    scales[i] = static_cast<uint8_t>(120 + r.below(8));
  return {values, scales, layout};
}

void make(Workspace& w, Random& r, MxQuantArgs& a) {
  a.M = tokens(r), a.H = r.pick({1, 4}), a.D = r.pick({16, 32, 256});
  if (a.H == 1 && a.D == 16) a.D = 32;
  const bool heads_major = r.chance(0.5);
  a.x_head_stride = heads_major ? a.M * a.D : a.D;
  a.x_stride = heads_major ? a.D : a.H * a.D;
  Bf16* x = normals(w, r, a.M * a.H * a.D, std::exp2(static_cast<double>(r.pick({-30, 0, 10}))));
  if (r.chance(0.3)) std::fill(x, x + a.D, Bf16{0});  // amax 0
  if (r.chance(0.5)) {  // amax on the boundary of the exponent's rounding, values between two codes
    for (int64_t i = 0; i < a.D; ++i) x[i] = to_bf16(static_cast<float>(r.below(29) - 14) / 8.0f);
  }
  a.x = x;
  a.out = mx_out(w, r, a.M, a.H * a.D);
}

void make(Workspace& w, Random& r, GemmMxArgs& a) {
  a.M = tokens(r), a.N = r.pick({1, 96, 130}), a.K = r.pick({32, 160, 1024});
  a.x = mx_random(w, r, a.M, a.K, r.chance(0.5) ? ScaleLayout::row : ScaleLayout::column);
  a.reads = a.x.layout;
  const MxIn weights = mx_random(w, r, a.N, a.K, ScaleLayout::row);
  a.w = weights.values, a.w_scales = weights.scales;
  a.out_stride = a.N + r.pick({0, 5});
  a.out = w.make<Bf16>(a.M * a.out_stride);
}

void make(Workspace& w, Random& r, BmmArgs& a) {
  a.M = tokens(r), a.H = r.pick({1, 3, 4}), a.N = r.pick({16, 100, 256}),
  a.K = r.pick({64, 128, 192, 512});
  a.format = static_cast<WeightFormat>(r.below(3));
  const bool heads_major = r.chance(0.5);
  a.x_stride = a.H * (a.K + 32), a.x_head_stride = a.K + 32;  // a slice of [nope | pe] heads
  a.x = normals(w, r, a.M * a.x_stride);
  if (a.format == WeightFormat::fp8) {
    a.w = codes(w, r, a.H * a.N * a.K);
    a.w_scale = 0.03f;
  } else if (a.format == WeightFormat::bf16) {
    a.w = normals(w, r, a.H * a.N * a.K, 0.05);
  } else {
    const MxIn weights = mx_random(w, r, a.H * a.N, a.K, ScaleLayout::row);
    a.w = weights.values, a.w_scales = weights.scales;
  }
  a.out_stride = heads_major ? a.N : a.H * a.N;
  a.out_head_stride = heads_major ? a.M * a.N : a.N;
  a.out = w.make<Bf16>(a.M * a.H * a.N);
}

void make(Workspace& w, Random& r, StridedCopyArgs& a) {
  a.M = tokens(r), a.H = r.pick({1, 8}), a.D = 64;
  a.format = r.chance(0.5) ? Format::bf16 : Format::e4m3;
  a.in_head_stride = 128, a.in_stride = a.H * 128;
  a.out_head_stride = a.D, a.out_stride = a.H * a.D;
  if (a.format == Format::bf16)
    a.in = normals(w, r, a.M * a.in_stride);
  else
    a.in = codes(w, r, a.M * a.in_stride);
  a.out = w.bytes(a.M * a.out_stride * size_of(a.format));
}

void make(Workspace& w, Random& r, FillArgs& a) {
  a.n = r.pick({1, 63, 64, 1000});
  a.format = r.chance(0.5) ? Format::f32 : Format::bf16;
  a.value = r.chance(0.5) ? -INFINITY : 0.0f;
  a.out = w.bytes(a.n * size_of(a.format));
}

void make(Workspace& w, Random& r, SiluMulArgs& a) {
  a.R = tokens(r), a.n = r.pick({16, 256});
  a.format = r.chance(0.5) ? Format::f32 : Format::bf16;
  const double scale = r.chance(0.2) ? 40 : 2;
  if (a.format == Format::f32)
    a.x = floats(w, r, a.R * 2 * a.n, scale);
  else
    a.x = normals(w, r, a.R * 2 * a.n, scale);
  a.out = w.make<Bf16>(a.R * a.n);
}

void make(Workspace& w, Random& r, ArgmaxArgs& a) {
  a.M = tokens(r), a.V = r.pick({1, 100, 4096});
  float* x = floats(w, r, a.M * a.V);
  if (r.chance(0.5)) {  // ties: the lowest wins
    for (int64_t i = 0; i < a.M * a.V; ++i) x[i] = std::round(x[i]);
  }
  a.logits = x;
  a.out = w.make<int32_t>(a.M);
}

}  // namespace cases
}  // namespace kernels
