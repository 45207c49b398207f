#include "engine/capture.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <thread>

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

constexpr int64_t kKeyBytes = kernels::kIndexDim + 4;

void copy_key(const kernels::IndexCache& c, int32_t slot, uint8_t* to) {
  const uint8_t* page = c.page(slot / c.page_size);
  const int t = slot % c.page_size;
  for (int d = 0; d < kernels::kIndexDim; d += 16)
    std::memcpy(to + d, page + index_key_offset(c.layout, t, d), 16);
  std::memcpy(to + kernels::kIndexDim, page + kernels::index_scale_offset(c.page_size, t), 4);
}

// Some slots of a layer's cache, one behind the other.
struct LogicalPiece {
  const kernels::KvCache* kv;
  const kernels::IndexCache* index;  // one of the two
  int64_t row;                       // bytes of a slot
  size_t first, count;               // slots
  int64_t offset;                    // in all bytes

  void copy(const std::vector<int32_t>& slots, uint8_t* to) const {
    for (size_t i = first; i < first + count; ++i, to += row) {
      if (kv)
        std::memcpy(to, static_cast<const uint8_t*>(kv->data) + slots[i] * row, static_cast<size_t>(row));
      else
        copy_key(*index, slots[i], to);
    }
  }
  int64_t bytes() const { return row * static_cast<int64_t>(count); }
};

struct Logical {
  std::vector<int32_t> slots;
  std::vector<LogicalPiece> pieces;
  int64_t bytes = 0;

  Logical(const Model& model, const Caches& caches) : slots(used_slots(model)) {
    Image::to_host(caches.kv->memory.data());
    Image::to_host(caches.index->memory.data());
    for (const kernels::KvCache& c : caches.kv->layers) add({&c, nullptr, c.width() * kernels::size_of(c.format), 0, 0, 0});
    for (const kernels::IndexCache& c : caches.index->layers) {
      if (c.data) add({nullptr, &c, kKeyBytes, 0, 0, 0});
    }
  }

  // All pieces, on as many threads as there are cores.
  void each(const std::function<void(const LogicalPiece&)>& work) const {
    std::atomic<size_t> next = 0;
    const auto take = [&] {
      for (size_t i = next++; i < pieces.size(); i = next++) work(pieces[i]);
    };
    std::vector<std::jthread> others;
    const size_t most = std::min<size_t>(std::thread::hardware_concurrency(), pieces.size() / 8);
    for (size_t i = 1; i < most; ++i) others.emplace_back(take);
    take();
  }

 private:
  void add(LogicalPiece piece) {
    constexpr size_t kAtOnce = 4096;
    for (piece.first = 0; piece.first < slots.size(); piece.first += kAtOnce) {
      piece.count = std::min(kAtOnce, slots.size() - piece.first);
      piece.offset = bytes;
      pieces.push_back(piece);
      bytes += piece.bytes();
    }
  }
};

}  // namespace

LogicalBytes logical_bytes(const Model& model, const Caches& caches) {
  const Logical logical(model, caches);
  LogicalBytes bytes;
  bytes.resize(static_cast<size_t>(logical.bytes));
  logical.each([&](const LogicalPiece& piece) { piece.copy(logical.slots, bytes.data() + piece.offset); });
  return bytes;
}

int64_t first_difference(const Model& model, const Caches& caches, const LogicalBytes& bytes) {
  const Logical logical(model, caches);
  if (logical.bytes != static_cast<int64_t>(bytes.size())) return std::min(logical.bytes, static_cast<int64_t>(bytes.size()));
  std::atomic<int64_t> first = logical.bytes;
  logical.each([&](const LogicalPiece& piece) {
    std::vector<uint8_t> here(static_cast<size_t>(piece.bytes()));
    piece.copy(logical.slots, here.data());
    const uint8_t* there = bytes.data() + piece.offset;
    if (std::memcmp(here.data(), there, here.size()) == 0) return;
    const int64_t at = piece.offset + (std::mismatch(here.begin(), here.end(), there).first - here.begin());
    for (int64_t known = first; at < known && !first.compare_exchange_weak(known, at);) continue;
  });
  return first == logical.bytes ? -1 : first.load();
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
