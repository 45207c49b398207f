// Weights and KV caches made on a device are byte for byte what the host makes, index keys but for the norm that they
// pass, whose sums a device adds in another order; and what else the engine does with a
// device beside steps: benches, an emptied cache, memory that can't be had.
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <cstring>

#include "engine/accounting.h"
#include "engine/bench.h"
#include "engine/check.h"
#include "engine/gpu_fill.h"
#include "engine/weights_layout.h"
#include "kernels/formats.h"
#include "tests/emulator/lib/device.h"

using namespace engine;

namespace {

struct Emulated {
  explicit Emulated(int wave) { use_gpu_device("cuda", simt::emulated_device(wave)); }
  ~Emulated() { use_gpu_device("cuda", nullptr); }
};

trace::RunSpec small(const char* preset) {
  trace::RunSpec spec;
  spec.backend = "cuda";
  spec.model = check_model(preset);
  spec.workload.batch = 3, spec.workload.context = 100, spec.workload.max_context = 512;
  spec.workload.steps = 3, spec.workload.warmup = 1;
  spec.workload.seed = Catch::getSeed();
  spec.toggles = trace::ToggleSet::all_off();
  return spec;
}

}  // namespace

// A sum in another order may round one value of the norm to its neighbour, which moves the whole key of the Hadamard
// transform by less than its scale: of such keys there are few, and no value is further away than that or a step of fp8.
void check_index(const IndexCaches& host, const IndexCaches& device) {
  int64_t keys = 0, different = 0;
  for (size_t layer = 0; layer < host.layers.size(); ++layer) {
    const kernels::IndexCache &h = host.layers[layer], &d = device.layers[layer];
    if (!h.data) continue;
    for (int64_t slot = 0; slot < h.pages * h.page_size; ++slot) {
      const int t = static_cast<int>(slot % h.page_size);
      const uint8_t *a = h.page(slot / h.page_size), *b = d.page(slot / d.page_size);
      float sa = 0, sb = 0;
      std::memcpy(&sa, a + kernels::index_scale_offset(h.page_size, t), 4);
      std::memcpy(&sb, b + kernels::index_scale_offset(d.page_size, t), 4);
      ++keys;
      bool same = sa == sb;
      for (int i = 0; i < kernels::kIndexDim; ++i) {
        const uint8_t ka = a[kernels::index_key_offset(h.layout, t, i)], kb = b[kernels::index_key_offset(d.layout, t, i)];
        same = same && ka == kb;
        const float x = kernels::to_float(kernels::E4m3{ka}) * sa, y = kernels::to_float(kernels::E4m3{kb}) * sb;
        const float step = std::max(std::max(std::abs(x), std::abs(y)) / 8, std::max(sa, sb));
        if (!(std::abs(x - y) <= step * 1.01f)) FAIL("layer " << layer << ", slot " << slot << ", value " << i << ": " << x << " on the host, " << y << " on the device");
      }
      different += !same;
    }
  }
  CHECK(different * 50 <= keys);
}

TEST_CASE("a device generates the same weights and caches as the host") {
  for (const int wave : {32, 64}) {
    const Emulated emulated(wave);
    for (const char* preset : {"tiny", "tiny-dense", "tiny-mxfp4"}) {
      INFO(preset << ", waves of " << wave << ", seed " << Catch::getSeed());
      Setup setup = prepare(small(preset)).value();
      Model model(setup, load_weights(setup, {}).value());
      REQUIRE(model.weights.weights->on_device());
      const Weights host(setup.spec.model, setup.shape, setup.spec.workload.seed);
      const Caches caches = filled_caches(model, setup.spec.toggles).value();
      const auto image = weights_on(*gpu_device("cuda").value(), *model.weights.weights);
      REQUIRE(image);
      REQUIRE(host.memory().size() == (*image)->bytes());
      // Between tensors lies padding that nobody writes on a device.
      for (const WeightTensor& t : host.tensors()) {
        const int64_t at = static_cast<uint8_t*>(t.values) - host.memory().data();
        const int64_t row = t.kind == WeightTensor::Kind::mxfp4 ? t.K / 2
                            : t.kind == WeightTensor::Kind::fp8 || t.kind == WeightTensor::Kind::one_scale ? t.K : 2 * t.K;
        for (int64_t b = 0; b < t.batches; ++b) {
          INFO(t.name << ", batch " << b);
          CHECK(std::memcmp((*image)->device() + at + b * t.stride * row, host.memory().data() + at + b * t.stride * row,
                            static_cast<size_t>(t.N * row)) == 0);
        }
        // Asked for by address, the host's block holds it too.
        model.weights.weights->on_host(model.weights.weights->memory().data() + at);
        CHECK(std::memcmp(model.weights.weights->memory().data() + at, host.memory().data() + at, static_cast<size_t>(row)) == 0);
        if (!t.scales) continue;
        const int64_t scales = static_cast<uint8_t*>(t.scales) - host.memory().data();
        CHECK(std::memcmp((*image)->device() + scales, host.memory().data() + scales, 4) == 0);
      }
      const Shape& s = setup.shape;
      const int64_t slots = model.sequences.slot_count();
      const auto kv = empty_kv(s, slots, kv_format(setup.spec.toggles));
      const auto index = empty_index(setup.spec.model, s, slots, index_layout(setup.spec.toggles), 64);
      fill_caches(setup.spec.model, s, host, model.sequences, setup.spec.workload.seed, *kv, index.get());
      Image::to_host(caches.kv->memory.data());
      Image::to_host(caches.index->memory.data());
      CHECK(std::memcmp(kv->memory.data(), caches.kv->memory.data(), static_cast<size_t>(kv->memory.size())) == 0);
      check_index(*index, *caches.index);
    }
  }
}

TEST_CASE("bench runs on a device, with ceilings, floors and every op of the step", "[slow]") {
  const Emulated emulated(32);
  for (const bool whole : {false, true}) {
    BenchOptions options;
    options.whole_step = whole, options.repeats = 1;
    const auto report = bench(small("tiny"), options);
    INFO((report ? std::string() : report.error().line()));
    REQUIRE(report);
    CHECK(report->bench.ceilings.reads.size() > 5);
    CHECK(report->bench.ceilings.empty_node_us > 0);
    CHECK(report->bench.rows.size() > 20);
    CHECK((report->bench.rows.back().floor_35_us > 0) == whole);
    for (const BenchRow& row : report->bench.rows) CHECK((row.us > 0 && row.bytes > 0));
  }
}

TEST_CASE("a device's cache is emptied before a timed step, where asked for") {
  const Emulated emulated(32);
  trace::RunSpec spec = small("tiny");
  spec.set["cache"] = "cold";
  auto session = Session::load(spec);
  REQUIRE(session);
  CHECK((*session)->step().kernels > 20);
}

TEST_CASE("accounting: busy and idle add up to the window, and stamps fit the launches") {
  const Emulated emulated(64);
  auto session = Session::load(small("tiny"));
  REQUIRE(session);
  const DecodePlan& plan = (*session)->plan();
  std::vector<Stamp> device(plan.ops.size());
  CHECK(plan.gpu->run_stamped(plan, device) > 0);
  const Coverage all = coverage(device);
  CHECK(all.busy_ns + all.idle_ns() == all.window_ns);
  for (size_t i = 0; i < device.size(); ++i) CHECK(device[i].end_ns > device[i].start_ns);
  CHECK(coverage({{0, 10}, {5, 20}, {30, 40}}).busy_ns == 30);
  CHECK(coverage({{0, 10}, {5, 20}, {30, 40}}).idle_ns() == 10);
  // Of launches that overlap, in the order of their ends; one that ends with another adds nothing.
  CHECK(advances(std::vector<Stamp>{{100, 110}, {105, 130}, {90, 112}, {128, 130}}) == std::vector<int64_t>{10, 18, 2, 0});
  CHECK(advances({}).empty());
  CHECK(plan.gpu->run_in_a_row(plan, false, 2) > 0);
  CHECK(plan.gpu->run_in_a_row(plan, true, 2) > 0);
  const std::vector<Stamp> own = {{1010, 1020}, {1032, 1045}}, profiled = {{5, 25}, {28, 50}};
  const StampFit fit = fit_stamps(own, profiled);
  for (size_t i = 0; i < own.size(); ++i) {
    CHECK(own[i].start_ns - fit.shift_ns >= profiled[i].start_ns);
    CHECK(own[i].end_ns - fit.shift_ns <= profiled[i].end_ns);
  }
}

TEST_CASE("accounting: every pass there can be, and what stamps cost by capture", "[slow]") {
  const Emulated emulated(64);
  trace::RunSpec spec = small("tiny");
  // No profiler on the emulated device: the passes without one, and the reason.
  const auto accounted = account(spec);
  REQUIRE(accounted);
  CHECK(accounted->no_profiler.find("this backend has none") != std::string::npos);
  REQUIRE(accounted->passes.size() == 2);
  CHECK((accounted->passes[0].period_us > 0 && accounted->passes[1].period_us > 0));
  CHECK(accounted->passes[1].busy_ns + accounted->passes[1].idle_ns == accounted->passes[1].window_ns);
  CHECK(accounted->passes[1].window_ns > 0);
  CHECK(accounted->stamps_costs_pct.size() == 1);  // too few steps for more captures
  CHECK(std::isfinite(accounted->stamps_cost_pct()));
  spec.workload.steps = 10;
  const auto twice = account(spec);
  REQUIRE(twice);
  CHECK(twice->stamps_costs_pct.size() == 2);
  CHECK(twice->stamps_cost_pct() == (twice->stamps_costs_pct[0] + twice->stamps_costs_pct[1]) / 2);
}
