// Refusals before loading, where sequences stand, and the synthetic values.
#include <cmath>
#include <cstring>
#include <functional>
#include <set>

#include "engine/gpu_device.h"
#include "engine/synth.h"
#include "kernels/formats.h"
#include "small_model.h"

using namespace engine;
using namespace engine::test;

namespace {

std::string refusal(const std::function<void(trace::RunSpec&)>& change) {
  auto spec = small_spec(2, 100);
  change(spec);
  const auto setup = prepare(spec);
  REQUIRE_FALSE(setup.ok());
  CHECK_FALSE(setup.error().what.empty());
  CHECK_FALSE(setup.error().where.empty());
  return setup.error().line();
}

bool has(const std::string& text, std::string_view word) {
  return text.find(word) != std::string::npos;
}

}  // namespace

TEST_CASE("what cannot run is refused with what and where") {
  if (!engine::gpu_state("cuda").usable)
    CHECK(has(refusal([](auto& s) { s.backend = "cuda"; }), "--backend cuda"));
  CHECK(has(refusal([](auto& s) { s.backend = "tpu"; }), "no such backend"));
  CHECK(has(refusal([](auto& s) { s.workload.batch = -1; }), "--batch -1"));
  CHECK(has(refusal([](auto& s) { s.workload.next_n = 7; }), "--next-n 7"));
  CHECK(has(refusal([](auto& s) { s.workload.context = 512; }), "--context 512"));
  CHECK(has(refusal([](auto& s) { s.workload.max_context = 1 << 30; }), "--max-context"));
  CHECK(has(refusal([](auto& s) { s.workload.steps = 0; }), "--steps 0"));
  CHECK(has(refusal([](auto& s) { s.workload.shared_prefix = 1.5; }), "--shared-prefix 1.5"));
  CHECK(has(refusal([](auto& s) { s.workload.shared_prefix = NAN; }), "--shared-prefix"));
  CHECK(has(refusal([](auto& s) { s.workload.routing = "zipf:x"; }), "--routing zipf:x"));
  CHECK(has(refusal([](auto& s) { s.workload.tp = 3; }), "tp=3"));
  CHECK(has(refusal([](auto& s) { s.model.hidden = 100; }), "hidden=100"));
  CHECK(has(refusal([](auto& s) { s.set["gemm_scale"] = "row"; }), "no such setting"));
  CHECK(has(refusal([](auto& s) { s.set["gemm_scales"] = "diagonal"; }),
            "--set gemm_scales=diagonal"));
  CHECK(
      has(refusal([](auto& s) { s.toggles = with(s.toggles, "launch", "graph"); }), "needs a GPU"));
  CHECK(has(refusal([](auto& s) { s.toggles = with(s.toggles, "v_layout", "batch_major"); }),
            "MXFP4 w_vc"));
}

TEST_CASE("a model that does not fit is refused before loading, with bytes by part and a hint") {
  const std::string text = refusal([](auto& s) {
    s.model = trace::model_preset("glm-5").value();
    s.workload.max_context = 8192;
  });
  INFO(text);
  CHECK(has(text, "model glm-5 does not fit: needs "));
  for (const char* part : {"experts", "attention", "KV cache", "index cache", "embedding"})
    CHECK(has(text, part));
  CHECK(has(text, "GiB"));
  CHECK(has(text, "--layers"));
}

TEST_CASE("bytes of the published dimensions") {
  trace::RunSpec spec;
  spec.model = trace::model_preset("glm-5").value();
  spec.workload.tp = 8;
  const auto parts = Weights::bytes_by_part(spec.model, shape_of(spec.model, spec.workload));
  // 257 experts of 4.72 MB a rank and 3.15 MB of router in each of 75 layers.
  CHECK(std::fabs(static_cast<double>(parts.at("experts")) / 75 - (257 * 4.718592e6 + 3.145728e6)) <
        1e6);
  CHECK(parts.at("embedding and lm_head") == 2 * 2ll * 19360 * 6144);
}

TEST_CASE("sequences: ragged lengths, slots in blocks of 64, wrap at the widest context") {
  trace::Workload w = small_spec(5, 200, 2).workload;
  w.shared_prefix = 0.5;
  const Shape shape = shape_of(check_model(), w);
  Sequences q(w, shape);
  int64_t longest = 0;
  std::set<int32_t> own;
  for (int64_t b = 0; b < 5; ++b) {
    CHECK((q.start(b) >= 160 && q.start(b) <= 200));
    longest = std::max(longest, q.start(b));
    for (int64_t p = 0; p < 512; ++p) {
      const int32_t slot = q.slot(b, p);
      CHECK((slot >= 64 && slot < q.slot_count()));  // block 0 is the dummy
      CHECK(slot % 64 == p % 64);
      if (p < q.shared_tokens())
        CHECK(slot == q.slot(0, p));
      else
        CHECK(own.insert(slot).second);
    }
  }
  CHECK(longest == 200);
  CHECK(q.shared_tokens() == 64);
  for (const int page : {1, 16, 32, 64}) {
    const int32_t* table = q.block_table(page);
    for (int64_t p = 0; p < 512; ++p) {
      CHECK(table[3 * q.block_columns(page) + p / page] * page + p % page == q.slot(3, p));
    }
    CHECK(q.block_table(page) == table);
  }
  CHECK(q.positions()[3] == q.start(1) + 1);
  CHECK(q.lengths()[3] == q.start(1) + 2);
  CHECK(q.slots()[3] == q.slot(1, q.start(1) + 1));
  const std::vector<int32_t> next(10, 7);
  q.advance(next.data());
  CHECK(q.base(1) == q.start(1) + 2);
  CHECK(q.tokens()[0] == 7);
  for (int i = 0; i < 155; ++i) q.advance(next.data());
  CHECK(q.base(1) - q.start(1) == 0);  // 200 + 2 x 157 > 512: back to the start
}

TEST_CASE("RoPE tables: plain frequencies, and yarn's blend by the published formula") {
  for (const char* preset : {"glm-5", "deepseek-v3.2", "kimi-k2"}) {
    trace::RunSpec spec = small_spec(1, 100);
    const trace::ModelConfig published = trace::model_preset(preset).value();
    trace::ModelConfig& m = spec.model;
    m.qk_rope_head_dim = 64, m.rope_theta = published.rope_theta;
    m.rope_factor = published.rope_factor;
    m.rope_original_positions = published.rope_original_positions;
    m.rope_beta_fast = published.rope_beta_fast, m.rope_beta_slow = published.rope_beta_slow;
    const auto session = load(spec);
    const Weights& w = *session->model().weights.weights;
    // Dimensions that turn beta_fast times or more within the original positions stay as they are,
    // those that turn less than beta_slow times are stretched by the factor; between, linearly.
    const auto turns_at = [&](double turns) {
      return 64 * std::log(m.rope_original_positions / (turns * 2 * 3.14159265358979)) /
             (2 * std::log(m.rope_theta));
    };
    const double low = std::max(0.0, std::floor(turns_at(m.rope_beta_fast)));
    const double high = std::min(63.0, std::ceil(turns_at(m.rope_beta_slow)));
    for (int i = 0; i < 32; ++i) {
      double f = std::pow(m.rope_theta, -i / 32.0);
      if (m.rope_factor > 1) {
        const double span = high - low > 0 ? high - low : 0.001;
        const double stretched = std::min(1.0, std::max(0.0, (i - low) / span));
        f = f * (1 - stretched) + f / m.rope_factor * stretched;
      }
      for (const int position : {0, 1, 17, 511}) {
        INFO(preset << ", pair " << i << ", position " << position);
        const double c = kernels::to_float(w.rope_cos()[position * 32 + i]);
        const double s = kernels::to_float(w.rope_sin()[position * 32 + i]);
        CHECK(std::fabs(c - std::cos(position * f)) < 0.004);
        CHECK(std::fabs(s - std::sin(position * f)) < 0.004);
      }
    }
  }
}

TEST_CASE("philox gives the published answers") {
  using Words = std::array<uint32_t, 4>;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
  CHECK(philox({0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu}, {0xffffffffu, 0xffffffffu}) ==
        Words{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
  CHECK(philox({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, {0xa4093822u, 0x299f31d0u}) ==
        Words{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u});
}

TEST_CASE("synthetic values: rms 1, symmetric, scales that differ by block") {
  double squares = 0, sum = 0;
  for (const kernels::E4m3 code : normal_codes()) {
    const double v = kernels::to_float(code);
    squares += v * v, sum += v;
  }
  CHECK(std::fabs(std::sqrt(squares / 256) - 1) < 0.002);
  CHECK(std::fabs(sum) < 1e-9);
  const Draw draw(Catch::getSeed(), "layers.0.q_b");
  std::set<float> scales;
  for (int64_t n = 0; n < 8; ++n) {
    for (int64_t k = 0; k < 8; ++k) {
      const float s = block_scale(draw, n, k, 0, 2.2, 1024);
      CHECK((s >= 2.2 / 32 * std::exp2(-0.2501) && s <= 2.2 / 32 * std::exp2(0.2501)));
      scales.insert(s);
    }
  }
  CHECK(scales.size() == 5);
  kernels::E4m3 a[16], b[16];
  Draw(1, "x").chunk(3, 4, 0, a);
  Draw(1, "y").chunk(3, 4, 0, b);
  CHECK(std::memcmp(a, b, 16) != 0);
  Draw(1, "x").chunk(3, 4, 0, b);
  CHECK(std::memcmp(a, b, 16) == 0);
}

TEST_CASE("the same seed gives the same run, another seed another") {
  const auto tokens = [](uint64_t seed) {
    auto spec = small_spec(2, 100);
    spec.workload.seed = seed;
    auto session = load(spec);
    std::vector<int32_t> all;
    for (int i = 0; i < 4; ++i) {
      session->step();
      all.insert(all.end(), session->model().sequences.tokens(),
                 session->model().sequences.tokens() + 2);
    }
    return all;
  };
  CHECK(tokens(5) == tokens(5));
  CHECK(tokens(5) != tokens(6));
}
