// Checkpoints: what is written in the published format comes back byte for byte, whole or as one
// rank's slice, and steps the same. What is refused: test_checkpoint_refused.cpp.
#include <functional>

#include "engine/capture.h"
#include "engine/checkpoint.h"
#include "kernels/verify.h"
#include "checkpoint_models.h"
#include "published.h"
#include "small_model.h"
#include "tests/support/temp_folder.h"

using namespace engine;
using namespace engine::test;
using kernels::E4m3;

namespace {

float value_of(const AbsorbWeight& w, int64_t i) {
  return kernels::to_float(static_cast<const E4m3*>(w.values)[i]) * w.scale;
}

// What loading does to an fp8 w_kc and w_vc that were published in bf16: one scale for both.
void requantise_absorb(const trace::ModelConfig& m, Weights& weights) {
  if (m.absorb != trace::WeightFormat::fp8_block) return;
  for (int i = 0; i < m.layers; ++i) {
    auto& layer = const_cast<LayerWeights&>(weights.layer(i));
    const int64_t n = int64_t{m.heads} * m.kv_lora_rank;
    const std::pair<AbsorbWeight*, int64_t> both[] = {{&layer.w_kc, n * m.qk_nope_head_dim},
                                                      {&layer.w_vc, n * m.v_head_dim}};
    float largest = 0;
    std::vector<std::vector<float>> values;
    for (const auto& [w, count] : both) {
      values.emplace_back();
      for (int64_t k = 0; k < count; ++k) {
        values.back().push_back(kernels::to_float(kernels::to_bf16(value_of(*w, k))));
        largest = std::max(largest, std::fabs(values.back().back()));
      }
    }
    for (size_t w = 0; w < 2; ++w) {
      both[w].first->scale = largest / 448;
      for (size_t k = 0; k < values[w].size(); ++k)
        static_cast<E4m3*>(both[w].first->values)[k] =
            kernels::to_e4m3(values[w][k] / (largest / 448));
    }
  }
}

void same_bytes(const Weights& a, const Weights& b, int64_t layers) {
  REQUIRE(a.memory().size() == b.memory().size());
  const bool same = std::memcmp(a.memory().data(), b.memory().data(),
                                static_cast<size_t>(a.memory().size())) == 0;
  CHECK(same);
  for (int64_t i = 0; i < layers; ++i) {
    CHECK(a.layer(i).w_kc.scale == b.layer(i).w_kc.scale);
    CHECK(a.layer(i).w_vc.scale == b.layer(i).w_vc.scale);
  }
}

// A step of the spec as it is, and one over these weights in memory.
void same_step(const trace::RunSpec& spec, std::shared_ptr<const Weights> memory) {
  auto from_file = load(spec);
  trace::RunSpec plain = spec;
  plain.weights.clear(), plain.set.erase("rank");
  const trace::Workload& w = spec.workload;
  auto from_memory =
      Session::load(plain, {spec.model, w.tp, 0, w.max_context, w.seed, "", std::move(memory)});
  REQUIRE(from_memory.ok());
  Session& other = **from_memory;
  const StepImage a = capture_step(from_file->model(), from_file->arm());
  const StepImage b = capture_step(other.model(), other.arm());
  const ImageDifference d = compare(from_file->plan(), a, other.plan(), b);
  CHECK(d.first == "");
  CHECK(d.compared > 1000);
}

// Rows [row, row + n) and columns from `column` on of batch `from_b` of `full` into `to`.
void slice(const Linear& full, const Linear& to, int64_t b, int64_t row, int64_t to_row, int64_t n,
           int64_t column) {
  using kernels::WeightFormat;
  const auto copy = [](void* out, const void* in, int64_t bytes) {
    std::memcpy(out, in, static_cast<size_t>(bytes));
  };
  const auto bytes = [](const Linear& w, int64_t k) {
    return w.format == WeightFormat::bf16 ? 2 * k : w.format == WeightFormat::fp8 ? k : k / 2;
  };
  for (int64_t i = 0; i < n; ++i) {
    const int64_t from_at = (b * full.N + row + i) * full.K + column,
                  to_at = (b * to.N + to_row + i) * to.K;
    copy(static_cast<uint8_t*>(to.values) + bytes(to, to_at),
         static_cast<uint8_t*>(full.values) + bytes(full, from_at), bytes(to, to.K));
    if (to.format == WeightFormat::mxfp4)
      copy(static_cast<uint8_t*>(to.scales) + to_at / 32,
           static_cast<uint8_t*>(full.scales) + from_at / 32, to.K / 32);
    if (to.format == WeightFormat::fp8 && i % 128 == 0)
      copy(static_cast<float*>(to.scales) +
               (b * ((to.N + 127) / 128) + (to_row + i) / 128) * (to.K / 128),
           full.fp8_scales() + (b * ((full.N + 127) / 128) + (row + i) / 128) * (full.K / 128) +
               column / 128,
           to.K / 128 * 4);
  }
}

void slice_absorb(const AbsorbWeight& full, const AbsorbWeight& to, int64_t first, int64_t heads,
                  int64_t size) {
  const int64_t bits = to.format == kernels::WeightFormat::bf16  ? 16
                       : to.format == kernels::WeightFormat::fp8 ? 8
                                                                 : 4;
  std::memcpy(to.values, static_cast<uint8_t*>(full.values) + first * size * bits / 8,
              static_cast<size_t>(heads * size * bits / 8));
  if (bits == 4)
    std::memcpy(to.scales, full.scales + first * size / 32, static_cast<size_t>(heads * size / 32));
}

// This rank's part of a whole model, in plain copies.
std::shared_ptr<Weights> sliced(const trace::RunSpec& spec, const Weights& full, int64_t rank) {
  auto out = generated(spec);
  const Shape s = shape_of(spec.model, spec.workload);
  const auto rows = [&](const kernels::Bf16* from, const kernels::Bf16* to, int64_t n) {
    std::memcpy(const_cast<kernels::Bf16*>(to), from, static_cast<size_t>(n * 2));
  };
  rows(full.embedding() + rank * s.vocab * s.hidden, out->embedding(), s.vocab * s.hidden);
  rows(full.lm_head() + rank * s.vocab * s.hidden, out->lm_head(), s.vocab * s.hidden);
  rows(full.final_norm(), out->final_norm(), s.hidden);
  for (int64_t i = 0; i < s.layers; ++i) {
    const LayerWeights &f = full.layer(i), &t = out->layer(i);
    rows(f.input_norm, t.input_norm, s.hidden), rows(f.post_norm, t.post_norm, s.hidden);
    rows(f.q_norm, t.q_norm, s.q_lora), rows(f.kv_norm, t.kv_norm, s.latent);
    slice(f.qkv_a, t.qkv_a, 0, 0, 0, s.qkv(), 0);
    slice(f.q_b, t.q_b, 0, rank * t.q_b.N, 0, t.q_b.N, 0);
    slice(f.o_proj, t.o_proj, 0, 0, 0, s.hidden, rank * t.o_proj.K);
    slice_absorb(f.w_kc, t.w_kc, rank * s.heads, s.heads, s.latent * s.nope);
    slice_absorb(f.w_vc, t.w_vc, rank * s.heads, s.heads, s.latent * s.v);
    if (spec.model.runs_indexer(static_cast<int>(i))) {
      slice(f.wq_b, t.wq_b, 0, 0, 0, t.wq_b.N, 0), slice(f.wk, t.wk, 0, 0, 0, t.wk.N, 0);
      rows(f.k_norm, t.k_norm, 128), rows(f.k_norm_bias, t.k_norm_bias, 128);
      rows(f.gate_proj, t.gate_proj, s.index_heads * s.hidden);
    }
    const auto gated = [&](const Linear& fg, const Linear& tg, const Linear& fd, const Linear& td,
                           int64_t batches, int64_t inner) {
      for (int64_t b = 0; b < batches; ++b) {
        slice(fg, tg, b, rank * inner, 0, inner, 0);
        slice(fg, tg, b, inner * s.tp + rank * inner, inner, inner, 0);
        slice(fd, td, b, 0, 0, s.hidden, rank * inner);
      }
    };
    if (i < s.dense_layers) {
      gated(f.gate_up, t.gate_up, f.down, t.down, 1, s.dense_inner);
    } else {
      rows(f.router, t.router, s.experts * s.hidden), rows(f.router_bias, t.router_bias, s.experts);
      gated(f.experts_gate_up, t.experts_gate_up, f.experts_down, t.experts_down, s.all_experts(),
            s.moe_inner);
    }
  }
  return out;
}

const trace::ModelConfig& model_named(std::string_view preset, trace::WeightFormat all) {
  static trace::ModelConfig m;
  m = published_model(preset);
  m.linears = m.o_proj = m.experts_format = m.absorb = all;
  return m;
}

}  // namespace

TEST_CASE("a published model comes back byte for byte, and its step is the step from memory") {
  for (const char* preset : {"tiny", "tiny-dense", "tiny-mxfp4"}) {
    for (const int shards : {0, 3}) {
      INFO(preset << ", " << shards << " shards, seed " << Catch::getSeed());
      trace::RunSpec spec = spec_of(published_model(preset));
      const auto memory = generated(spec);
      tests::TempFolder folder;
      write_checkpoint(folder.path(), Publisher(spec.model, *memory).tensors(), shards);
      requantise_absorb(spec.model, *memory);
      spec.weights = folder.path();
      auto session = load(spec);
      same_bytes(*session->model().weights.weights, *memory, spec.model.layers);
      same_step(spec, memory);
    }
  }
}

TEST_CASE("each rank of two loads its slice") {
  using trace::WeightFormat;
  for (const auto format : {WeightFormat::bf16, WeightFormat::fp8_block, WeightFormat::mxfp4}) {
    INFO("format " << static_cast<int>(format) << ", seed " << Catch::getSeed());
    trace::RunSpec whole = spec_of(model_named("tiny", format));
    const auto full = generated(whole);
    tests::TempFolder folder;
    write_checkpoint(folder.path(), Publisher(whole.model, *full).tensors(), 2);
    trace::RunSpec spec = spec_of(whole.model, 2);
    spec.weights = folder.path();
    for (const int rank : {0, 1}) {
      spec.set["rank"] = std::to_string(rank);
      const auto want = sliced(spec, *full, rank);
      trace::ModelConfig half = spec.model;
      half.heads /= 2;
      for (int i = 0; i < half.layers; ++i) {  // of generated values, the scale of both ranks
        const_cast<LayerWeights&>(want->layer(i)).w_kc.scale = full->layer(i).w_kc.scale;
        const_cast<LayerWeights&>(want->layer(i)).w_vc.scale = full->layer(i).w_vc.scale;
      }
      requantise_absorb(half, *want);
      auto session = load(spec);
      same_bytes(*session->model().weights.weights, *want, spec.model.layers);
      same_step(spec, want);
    }
  }
}

TEST_CASE("kv_b in blocks of fp8 is dequantised before it is split") {
  trace::RunSpec spec = spec_of(published_model("tiny"));
  const auto memory = generated(spec);
  FileTensors tensors = Publisher(spec.model, *memory).tensors();
  const trace::ModelConfig& m = spec.model;
  const int64_t nope = m.qk_nope_head_dim, v = m.v_head_dim, latent = m.kv_lora_rank,
                rows = m.heads * (nope + v);
  const std::string name = "model.layers.1.self_attn.kv_b_proj.weight";
  std::vector<E4m3> codes(static_cast<size_t>(rows * latent));
  for (size_t i = 0; i < codes.size(); ++i) codes[i].bits = static_cast<uint8_t>(i * 37 % 127);
  std::vector<float> scales;
  for (int64_t i = 0; i < (rows + 127) / 128; ++i)
    scales.push_back(0.01f * static_cast<float>(i + 1));
  tensors[name] = file_tensor("F8_E4M3", {rows, latent}, codes.data(), rows * latent);
  tensors[name + "_scale_inv"] = file_tensor("F32", {(rows + 127) / 128, 1}, scales.data(),
                                             static_cast<int64_t>(scales.size()));
  tests::TempFolder folder;
  write_checkpoint(folder.path(), tensors, 0);
  spec.weights = folder.path();
  auto session = load(spec);
  const LayerWeights& w = session->model().weights.weights->layer(1);
  CHECK(w.w_kc.scale == w.w_vc.scale);
  CHECK(std::fabs(w.w_kc.scale - scales.back()) < 1e-6f);  // code 126 is 448
  const auto stored = [&](int64_t row, int64_t column) {
    return kernels::to_float(codes[static_cast<size_t>(row * latent + column)]) *
           scales[static_cast<size_t>(row / 128)];
  };
  double worst = 0;
  const auto near = [&](double got, double want) {
    worst =
        std::max(worst, std::fabs(got - want) / (std::fabs(want) / 16 + w.w_kc.scale * 0x1p-10));
  };
  for (int64_t h = 0; h < m.heads; ++h) {
    for (int64_t c = 0; c < latent; ++c) {
      for (int64_t n = 0; n < nope; ++n)
        near(value_of(w.w_kc, (h * latent + c) * nope + n), stored(h * (nope + v) + n, c));
      for (int64_t n = 0; n < v; ++n)
        near(value_of(w.w_vc, (h * v + n) * latent + c), stored(h * (nope + v) + nope + n, c));
    }
  }
  CHECK(worst <= 1.001);
}

TEST_CASE("half precision, a prefix, a bf16 shared expert beside MXFP4 experts") {
  trace::RunSpec spec = spec_of(published_model("tiny-mxfp4"));
  const auto memory = generated(spec);
  FileTensors tensors, plain = Publisher(spec.model, *memory).tensors();
  const std::string shared = "model.layers.1.mlp.shared_experts.down_proj.weight";
  const std::vector<int64_t> shape = {spec.model.hidden, spec.model.moe_intermediate};
  const Linear& down = memory->layer(1).experts_down;
  std::vector<kernels::Bf16> wide;
  for (int64_t i = 0; i < shape[0] * shape[1]; ++i) {
    const int64_t at = spec.model.experts * shape[0] * shape[1] + i;
    const uint32_t two = down.mx()[at / 2];
    wide.push_back(kernels::to_bf16(kernels::e2m1_to_float(at % 2 ? two >> 4 : two & 15) *
                                    kernels::e8m0_to_float(down.mx_scales()[at / 32])));
  }
  plain[shared] = file_tensor("BF16", shape, wide.data(), shape[0] * shape[1]);
  plain.erase(shared + "_scale");
  std::vector<uint16_t> halves(static_cast<size_t>(spec.model.hidden), 0x3e00);  // 1.5
  halves[1] = 0x0001, halves[2] = 0x8400;                                        // 2^-24, -2^-14
  plain["model.norm.weight"] =
      file_tensor("F16", {spec.model.hidden}, halves.data(), spec.model.hidden);
  for (const auto& [name, t] : plain) tensors["language_model." + name] = t;
  tests::TempFolder folder;
  write_checkpoint(folder.path(), tensors, 2);
  auto* norm = const_cast<kernels::Bf16*>(memory->final_norm());
  for (int i = 0; i < spec.model.hidden; ++i)
    norm[i] = kernels::to_bf16(i == 1 ? 0x1p-24f : i == 2 ? -0x1p-14f : 1.5f);
  spec.weights = folder.path();
  auto session = load(spec);
  same_bytes(*session->model().weights.weights, *memory, spec.model.layers);
}

TEST_CASE("the first layers of a larger checkpoint load, its further layers unread") {
  trace::RunSpec spec = spec_of(published_model("tiny-dense"));
  const auto memory = generated(spec);
  FileTensors tensors = Publisher(spec.model, *memory).tensors();
  tests::TempFolder folder;
  write_checkpoint(folder.path(), tensors, 0);
  spec.model.layers = 1;
  spec.weights = folder.path();
  auto session = load(spec);
  const Weights& w = *session->model().weights.weights;
  const bool same =
      std::memcmp(w.layer(0).o_proj.values, memory->layer(0).o_proj.values,
                  static_cast<size_t>(w.layer(0).o_proj.N * w.layer(0).o_proj.K * 2)) == 0;
  CHECK(same);
}
