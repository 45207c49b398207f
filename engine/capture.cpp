#include "engine/capture.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>

#include "engine/gpu_step.h"

namespace engine {

StepImage capture_step(Model& model, Arm& arm) {
  StepImage image(arm.plan().ops.size());
  arm.step.arena.poison();
  model.executor.run(arm.plan(), nullptr, [&](int op) {
    const auto i = static_cast<size_t>(op);
    for (const kernels::Tensor& t : kernels::outputs(arm.plan().ops[i].args)) {
      image[i].emplace_back();
      kernels::read_bytes(t, image[i].back());
    }
  });
  return image;
}

namespace {

std::vector<int32_t> used_slots(const Model& model) {
  std::vector<int32_t> slots;
  for (int64_t b = 0; b < model.setup.shape.B; ++b) {
    for (int64_t p = 0; p < model.sequences.base(b) + model.setup.shape.next_n; ++p) {
      slots.push_back(model.sequences.slot(b, p));
    }
  }
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());  // a shared prefix
  return slots;
}

void append_key(const kernels::IndexCache& c, int32_t slot, std::vector<uint8_t>& bytes) {
  const uint8_t* page = c.page(slot / c.page_size);
  const int t = slot % c.page_size;
  for (int d = 0; d < kernels::kIndexDim; d += 16) {
    const uint8_t* chunk = page + index_key_offset(c.layout, t, d);
    bytes.insert(bytes.end(), chunk, chunk + 16);
  }
  const uint8_t* scale = page + kernels::index_scale_offset(c.page_size, t);
  bytes.insert(bytes.end(), scale, scale + 4);
}

}  // namespace

std::vector<uint8_t> logical_bytes(const Model& model, const Caches& caches) {
  Image::to_host(caches.kv->memory.data());
  Image::to_host(caches.index->memory.data());
  const std::vector<int32_t> slots = used_slots(model);
  std::vector<uint8_t> bytes;
  for (const kernels::KvCache& c : caches.kv->layers) {
    const int64_t row = c.width() * kernels::size_of(c.format);
    for (const int32_t slot : slots) {
      const auto* data = static_cast<const uint8_t*>(c.data) + slot * row;
      bytes.insert(bytes.end(), data, data + row);
    }
  }
  for (const kernels::IndexCache& c : caches.index->layers) {
    if (!c.data) continue;
    for (const int32_t slot : slots) append_key(c, slot, bytes);
  }
  return bytes;
}

namespace {

// A view of captured bytes, so that values can be read by format.
kernels::Tensor packed(const kernels::Tensor& like, const std::vector<uint8_t>& bytes) {
  const int64_t n = static_cast<int64_t>(bytes.size()) / kernels::size_of(like.format);
  return kernels::matrix(like.name, like.format, bytes.data(), 1, n, n);
}

void compare_tensor(const std::string& label, const kernels::Tensor& like,
                    const std::vector<uint8_t>& a, const std::vector<uint8_t>& b,
                    ImageDifference& d) {
  const auto size = static_cast<size_t>(kernels::size_of(like.format));
  d.compared += static_cast<int64_t>(a.size() / size);
  if (a == b) return;
  const kernels::Tensor va = packed(like, a), vb = packed(like, b);
  for (int64_t i = 0; i < va.count(); ++i) {
    const size_t at = static_cast<size_t>(i) * size;
    if (std::memcmp(a.data() + at, b.data() + at, size) == 0) continue;
    const double x = kernels::value_at(va, i), y = kernels::value_at(vb, i);
    const bool number = like.format != kernels::Format::i32;  // a slot or an id is no quantity
    if (number && std::isfinite(x) && std::isfinite(y))
      d.max_abs = std::max(d.max_abs, std::fabs(x - y));
    if (!d.first.empty()) continue;
    char text[96];
    std::snprintf(text, sizeof text, "[%lld]: %.9g != %.9g", static_cast<long long>(i), x, y);
    d.first.append(label).append(" ").append(like.name).append(text);
  }
}

}  // namespace

bool comparable(const kernels::OpArgs& a, const kernels::OpArgs& b) {
  const std::vector<kernels::Tensor> x = kernels::outputs(a), y = kernels::outputs(b);
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [](const kernels::Tensor& s, const kernels::Tensor& t) {
                      return s.name == t.name && s.format == t.format && s.count() == t.count();
                    });
}

int find_op(const DecodePlan& plan, const std::string& label) {
  const auto it = std::find_if(plan.ops.begin(), plan.ops.end(),
                               [&](const PlannedOp& op) { return op.label == label; });
  return it == plan.ops.end() ? -1 : static_cast<int>(it - plan.ops.begin());
}

ImageDifference compare(const DecodePlan& a, const StepImage& image_a, const DecodePlan& b,
                        const StepImage& image_b) {
  ImageDifference d;
  std::map<std::string_view, size_t> in_b;
  for (size_t i = 0; i < b.ops.size(); ++i) in_b[b.ops[i].label] = i;
  for (size_t i = 0; i < a.ops.size(); ++i) {
    const auto other = in_b.find(a.ops[i].label);
    if (other == in_b.end() || !comparable(a.ops[i].args, b.ops[other->second].args)) continue;
    const std::vector<kernels::Tensor> tensors = kernels::outputs(a.ops[i].args);
    for (size_t t = 0; t < tensors.size(); ++t) {
      compare_tensor(a.ops[i].label, tensors[t], image_a[i][t], image_b[other->second][t], d);
    }
  }
  return d;
}

}  // namespace engine
