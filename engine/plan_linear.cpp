// Matrix products of a step by the format of their weights, with what each needs of its input.
#include <algorithm>

#include "engine/plan_layers.h"
#include "kernels/formats.h"

namespace engine {

using kernels::Bf16;
using kernels::Format;
using kernels::ScaleLayout;
using kernels::WeightFormat;
using trace::Category;

ScaleLayout preferred_scales(int64_t N, int64_t K) {
  static constexpr std::array<int64_t, 2> kTriton[] = {
      {2112, 7168}, {3072, 1536}, {7168, 2048}, {512, 7168}, {7168, 256}};
  const bool row = std::any_of(std::begin(kTriton), std::end(kTriton),
                               [&](const auto& s) { return s[0] == N && s[1] == K; });
  return row ? ScaleLayout::row : ScaleLayout::column;
}

ScaleLayout Planner::wanted(const Linear& weight) const {
  return m_options.gemm_scales.value_or(preferred_scales(weight.N, weight.K));
}

kernels::QuantIn Planner::gemm_input(const QuantBuffer& q, Buffer<float> copy, const Linear& weight,
                                     std::string_view consumer) {
  const ScaleLayout to = wanted(weight);
  if (q.layout == to) return read(q);
  m_b.emit("x_scale_copy", Category::copy,
           kernels::ScaleTransposeArgs{.in = m_b.read(q.scales),
                                       .out = m_b.write(copy),
                                       .from = q.layout,
                                       .to = to,
                                       .M = m_s.M,
                                       .G = weight.K / kernels::kGroup},
           consumer);
  return {m_b.read(q.values), m_b.read(copy), to};
}

void Planner::gemm(std::string_view key, kernels::QuantIn x, const Linear& weight,
                   Buffer<Bf16> out) {
  m_b.emit(key, Category::gemm,
           kernels::GemmFp8Args{.x = x,
                                .reads = wanted(weight),
                                .w = weight.fp8(),
                                .w_scales = weight.fp8_scales(),
                                .out = m_b.write(out),
                                .out_stride = weight.N,
                                .M = m_s.M,
                                .N = weight.N,
                                .K = weight.K});
}

void Planner::gemm_bf16(std::string_view key, const Linear& weight, const Bf16* x,
                        Buffer<Bf16> out) {
  m_b.emit(key, Category::gemm,
           kernels::GemmBf16Args{.x = x,
                                 .x_stride = weight.K,
                                 .w = weight.bf16(),
                                 .out = m_b.write(out),
                                 .out_stride = weight.N,
                                 .M = m_s.M,
                                 .N = weight.N,
                                 .K = weight.K});
}

void Planner::gemm_mxfp4(std::string_view key, const Linear& weight, kernels::MxQuantArgs x,
                         Buffer<Bf16> out) {
  const MxBuffer& to = m_on_index ? m_buf.index_mx : m_buf.mx;
  x.out = {m_b.write(to.values), m_b.write(to.scales), ScaleLayout::column};
  m_b.emit("mx_quant", Category::norm_quant, x, key);
  m_b.emit(key, Category::gemm,
           kernels::GemmMxArgs{.x = {m_b.read(to.values), m_b.read(to.scales), ScaleLayout::column},
                               .reads = ScaleLayout::column,
                               .w = weight.mx(),
                               .w_scales = weight.mx_scales(),
                               .out = m_b.write(out),
                               .out_stride = weight.N,
                               .M = m_s.M,
                               .N = weight.N,
                               .K = weight.K});
}

void Planner::linear(std::string_view key, const Linear& weight, Buffer<Bf16> x,
                     const QuantBuffer& q, Buffer<float> copy, Buffer<Bf16> out) {
  switch (weight.format) {
    case WeightFormat::fp8:
      return gemm(key, gemm_input(q, copy, weight, key), weight, out);
    case WeightFormat::bf16:
      return gemm_bf16(key, weight, m_b.read(x), out);
    case WeightFormat::mxfp4:
      return gemm_mxfp4(key, weight,
                        {.x = m_b.read(x),
                         .x_stride = weight.K,
                         .x_head_stride = weight.K,
                         .M = m_s.M,
                         .D = weight.K},
                        out);
  }
}

void Planner::quantised_linear(std::string_view key, const Linear& weight, Buffer<Bf16> x,
                               std::string_view quant_key, QuantBuffer& q, Buffer<Bf16> out) {
  q.layout = wanted(weight);
  if (weight.format == WeightFormat::fp8)
    quantise(quant_key, m_b.read(x), {weight.K, weight.K}, m_s.M, 1, weight.K, q);
  linear(key, weight, x, q, {}, out);
}

void Planner::bmm(std::string_view key, const AbsorbWeight& weight, kernels::BmmArgs args) {
  args.format = weight.format, args.w = weight.values;
  args.w_scale = weight.scale, args.w_scales = weight.scales;
  args.M = m_s.M, args.H = m_s.heads;
  m_b.emit(key, Category::gemm, args);
}

void Planner::quantise(std::string_view key, const Bf16* x, std::array<int64_t, 2> strides,
                       int64_t rows, int64_t heads, int64_t columns, const QuantBuffer& out) {
  m_b.emit(key, Category::norm_quant,
           kernels::GroupQuantArgs{.x = x,
                                   .x_stride = strides[0],
                                   .x_head_stride = strides[1],
                                   .out = write(out),
                                   .M = rows,
                                   .H = heads,
                                   .D = columns});
}

}  // namespace engine
