#include "engine/gpu_fill.h"

#include <algorithm>
#include <stdexcept>

#include "engine/need.h"
#include "engine/synth.h"
#include "engine/weights_layout.h"
#include "kernels/gpu/tool_args.h"

namespace engine {

using kernels::Bf16;
using kernels::DrawArgs;
using kernels::gpu::Device;
using trace::Error;
using trace::Result;

namespace {

// The table of codes, on the device.
std::shared_ptr<Scratch> codes_on(Device& device) {
  auto table = std::make_shared<Scratch>(device, 256, "the table of synthetic values");
  need(device.upload(table->data(), normal_codes().data(), 256), "the table of synthetic values");
  return table;
}

DrawArgs drawing(const Draw& draw, const Scratch& codes) {
  DrawArgs a;
  a.key[0] = draw.key()[0], a.key[1] = draw.key()[1];
  a.codes = reinterpret_cast<const kernels::E4m3*>(codes.data());
  return a;
}

class WeightMaker {
 public:
  WeightMaker(Device& device, const Weights& weights, uint8_t* image)
      : m_device(device), m_weights(weights), m_image(image), m_codes(codes_on(device)) {}

  void make() {
    const auto* host = m_weights.memory().data();
    const auto copy = [&](const void* from, int64_t bytes) {
      need(m_device.upload(there(from), from, bytes), "weights");
    };
    // Tables lie before the first layer's tensors, as one piece behind the last norm.
    const Bf16 *cos = m_weights.rope_cos(), *sin = m_weights.rope_sin();
    const int64_t table = (sin - cos) * static_cast<int64_t>(sizeof(Bf16));
    copy(cos, table), copy(sin, std::min<int64_t>(table, host + m_weights.memory().size() - reinterpret_cast<const uint8_t*>(sin)));
    for (const WeightTensor& t : m_weights.tensors()) {
      if (Weights::small(t))
        copy(t.values, t.N * t.K * static_cast<int64_t>(sizeof(Bf16)));
      else if (t.K % 16 == 0)
        draw(t);
      else
        from_host(t);
    }
    need(m_device.synchronize(), "generating weights");
  }

 private:
  using Kind = WeightTensor::Kind;

  void* there(const void* host) const {
    return m_image + (static_cast<const uint8_t*>(host) - m_weights.memory().data());
  }

  void launch(const DrawArgs& a, const std::string& name) { need(m_device.launch(kernels::gpu::draw_launch(a), 0), name); }

  void draw(const WeightTensor& t) {
    DrawArgs a = drawing(Draw(m_weights.seed(), t.name), *m_codes);
    a.scale_stream = kScaleStream;
    for (uint32_t step = 0; step < 5; ++step) a.factors[step] = scale_factor(step, t.gain, t.full_k);
    a.N = t.N, a.K = t.K, a.stride = t.stride, a.scale_stride = t.scale_stride;
    a.rows = t.batches * t.N;
    if (t.kind == Kind::mxfp4) return quantised(t, a);
    a.to = t.kind == Kind::bf16 ? DrawArgs::To::bf16_scaled : DrawArgs::To::e4m3;
    a.out = there(t.values);
    if (t.kind == Kind::fp8) a.scales = static_cast<float*>(there(t.scales));
    launch(a, t.name);
  }

  // bf16 rows of a batch at a time, then the op that quantises them.
  void quantised(const WeightTensor& t, DrawArgs a) {
    const int64_t bytes = t.N * t.K * static_cast<int64_t>(sizeof(Bf16));
    if (!m_rows || m_rows->bytes() < bytes) {
      need(m_device.synchronize(), t.name);
      m_rows = std::make_unique<Scratch>(m_device, bytes, "rows to quantise");
    }
    a.to = DrawArgs::To::bf16_scaled, a.out = m_rows->data(), a.rows = t.N;
    for (int64_t batch = 0; batch < t.batches; ++batch) {
      a.batch0 = batch;
      launch(a, t.name);
      kernels::MxQuantArgs q;
      q.x = static_cast<const Bf16*>(a.out), q.x_stride = t.K, q.M = t.N, q.D = t.K;
      q.out.values = static_cast<uint8_t*>(there(t.values)) + batch * t.stride * t.K / 2;
      q.out.scales = static_cast<uint8_t*>(there(t.scales)) + batch * t.scale_stride * (t.K / kernels::kMxGroup);
      const kernels::OpArgs args = q;
      need(m_device.launch(kernels::gpu::launch_of(args, m_device.info().traits), 0), t.name);
    }
  }

  // Rows that are no whole number of draws: generated on the host. Only tiny shapes have them.
  void from_host(const WeightTensor& t) {
    m_weights.on_host(t.values);
    const auto row = [&](int64_t batch) { return batch * t.stride * t.K; };
    const int64_t size = t.kind == Kind::bf16 ? 2 : 1;
    if (t.kind == Kind::mxfp4 || t.kind == Kind::fp8) throw std::runtime_error("rows of " + std::to_string(t.K) + " values, " + t.name);
    for (int64_t b = 0; b < t.batches; ++b) {
      const auto* from = static_cast<const uint8_t*>(t.values) + row(b) * size;
      need(m_device.upload(there(from), from, t.N * t.K * size), t.name);
    }
  }

  Device& m_device;
  const Weights& m_weights;
  uint8_t* m_image;
  std::shared_ptr<Scratch> m_codes;
  std::unique_ptr<Scratch> m_rows;
};

// Latents and writer ops on the device. Its buffers are known to the mirror under their own addresses.
class DeviceTarget final : public FillTarget {
 public:
  DeviceTarget(Device& device, const Weights& weights, const Image& image, int64_t widest)
      : m_device(device), m_codes(codes_on(device)), m_numbers(device, 2 * kChunk * 4, "slots of the caches"),
        m_first(device, kChunk * widest * 2, "latents"), m_second(device, kChunk * widest * 2, "latents") {
    m_mirror.add(weights.memory().data(), weights.memory().size(), image.device());
    for (const Scratch* s : {&m_numbers, &m_first, &m_second}) m_mirror.add(s->data(), s->bytes(), s->data());
  }
  void add(const Memory& caches, uint8_t* image) { m_mirror.add(caches.data(), caches.size(), image); }

  int64_t chunk() const override { return kChunk; }
  void place(const std::vector<int32_t>& positions, const std::vector<int32_t>& slots) override {
    m_start = positions.front(), m_count = static_cast<int64_t>(positions.size());
    need(m_device.upload(m_numbers.data(), positions.data(), m_count * 4), "positions");
    need(m_device.upload(m_numbers.data() + kChunk * 4, slots.data(), m_count * 4), "slots");
  }
  const int32_t* positions() const override { return reinterpret_cast<const int32_t*>(m_numbers.data()); }
  const int32_t* slots() const override { return positions() + kChunk; }
  Bf16* latents(const Draw& draw, int64_t b, int64_t columns, int buffer) override {
    DrawArgs a = drawing(draw, *m_codes);
    a.to = DrawArgs::To::bf16;
    a.n0 = m_start, a.N = int64_t{1} << 40, a.rows = m_count, a.K = columns, a.batch0 = b;
    Bf16* rows = scratch(columns, buffer);
    a.out = rows - m_start * columns;  // row n of the draw is position n
    need(m_device.launch(kernels::gpu::draw_launch(a), 0), "latents");
    return rows;
  }
  Bf16* scratch(int64_t, int buffer) override {
    return reinterpret_cast<Bf16*>((buffer == 0 ? m_first : m_second).data());
  }
  void run(const kernels::OpArgs& args) override {
    kernels::OpArgs moved;
    const std::string op(kernels::key_of(kernels::op_of(args)));
    need(m_mirror.moved(args, &moved), op);
    need(m_device.launch(kernels::gpu::launch_of(moved, m_device.info().traits), 0), op);
  }

 private:
  static constexpr int64_t kChunk = 8192;
  Device& m_device;
  std::shared_ptr<Scratch> m_codes;
  Scratch m_numbers, m_first, m_second;
  kernels::gpu::Mirror m_mirror;
  int64_t m_start = 0, m_count = 0;
};

}  // namespace

Result<std::shared_ptr<Image>> weights_on(Device& device, const Weights& weights) {
  // Of a checkpoint the host holds all.
  if (!weights.on_device()) return Image::of(device, weights.memory().data(), weights.memory().size(), "weights");
  return Image::of(device, weights.memory().data(), weights.memory().size(), "weights", [&](uint8_t* at) {
    WeightMaker(device, weights, at).make();
  });
}

Result<Caches> caches_on(Device& device, Model& m, const Image& weights, const trace::ToggleSet& toggles,
                         const Progress& progress) {
  const int64_t slots = m.sequences.slot_count();
  const Shape& s = m.setup.shape;
  const auto kv = empty_kv(s, slots, kv_format(toggles), CacheMemory::device);
  const auto index = empty_index(m.config(), s, slots, index_layout(toggles), toggles.page_size(), CacheMemory::device);
  // What no sequence has written yet is zeroes, as on the host.
  const auto image_of = [&](const Memory& memory, const char* what) {
    return Image::of(device, memory.data(), memory.size(), what, [&](uint8_t* at) {
      need(device.set(at, 0, memory.size()), what);
    });
  };
  auto kv_image = image_of(kv->memory, "KV cache");
  if (!kv_image) return kv_image.error();
  auto index_image = image_of(index->memory, "index cache");
  if (!index_image) return index_image.error();
  kv->image = *kv_image, index->image = *index_image;
  try {
    DeviceTarget target(device, *m.weights.weights, weights, std::max<int64_t>({s.latent, s.rope, kernels::kIndexDim}));
    target.add(kv->memory, (*kv_image)->device());
    target.add(index->memory, (*index_image)->device());
    fill_caches(m.config(), s, *m.weights.weights, m.sequences, m.setup.spec.workload.seed, *kv, index.get(), progress, &target);
    need(device.synchronize(), "filling caches");
  } catch (const std::runtime_error& e) {
    return Error{e.what(), "filling caches"};
  }
  (*kv_image)->host_stale = (*index_image)->host_stale = true;
  return Caches{kv, index};
}

}  // namespace engine
