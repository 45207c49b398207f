// PlanBuilder: buffers by name, and launches whose waits follow from who wrote and who reads what.
// Use: declare buffers, place(), then for each op read()/write()/update() its operands and emit()
// it; operands count for the next emit.
#pragma once
#include "engine/plan.h"

namespace engine {

template <class T>
struct Buffer {
  int id = -1;
};

class PlanBuilder {
 public:
  template <class T>
  Buffer<T> buffer(std::string name, int64_t n, kernels::Format format) {
    m_requests.push_back({std::move(name), format, n * static_cast<int64_t>(sizeof(T))});
    m_uses.push_back({});
    return {static_cast<int>(m_requests.size()) - 1};
  }
  // Memory outside the arena (a layer's cache): only its order of use is tracked.
  int external(std::string name, kernels::Format format, int64_t bytes) {
    m_uses.push_back({});
    m_plan.buffers.push_back({std::move(name), format, bytes, true});
    return static_cast<int>(m_uses.size()) - 1;
  }
  const std::vector<Arena::Request>& requests() const { return m_requests; }

  // REQUIRES: every buffer() has been declared; externals come after.
  void place(const PlanOptions& options) {
    for (const Arena::Request& r : m_requests) m_plan.buffers.push_back({r.name, r.format, r.bytes, false});
    m_arena = Arena(m_requests, options.placement_seed, options.addresses_only);
  }

  template <class T>
  const T* read(Buffer<T> b) {
    return m_reads.push_back(b.id), at(b);
  }
  template <class T>
  T* write(Buffer<T> b) {
    return m_writes.push_back(b.id), at(b);
  }
  template <class T>
  T* update(Buffer<T> b) {
    return m_reads.push_back(b.id), write(b);
  }
  void reads(int external) { m_reads.push_back(external); }
  void writes(int external) { m_writes.push_back(external); }
  // The address alone, for views that another operand's read or write already covers.
  template <class T>
  T* at(Buffer<T> b) const {
    return reinterpret_cast<T*>(m_arena.at(static_cast<size_t>(b.id)));
  }

  void enter_layer(int layer) { m_layer = layer; }
  void on_stream(int stream) { m_stream = stream; }
  // `what` tells launches of one key apart in a layer: "x_scale_copy q_b".
  void emit(std::string_view key, trace::Category, kernels::OpArgs args,
            std::string_view what = {});

  trace::Result<PlannedStep> finish(const PlanOptions&, const float* logits,
                                    const int32_t* next_tokens);

 private:
  struct Use {
    int writer = -1;
    std::vector<int> readers;  // since the last write
  };
  void wait_for(PlannedOp& op, int other);

  std::vector<Arena::Request> m_requests;
  std::vector<Use> m_uses;
  std::vector<int> m_reads, m_writes;  // of the op being composed
  Arena m_arena;
  DecodePlan m_plan;
  int m_layer = -1, m_stream = 0;
};

}  // namespace engine
