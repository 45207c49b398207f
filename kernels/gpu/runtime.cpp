#include "kernels/gpu/runtime.h"

#include <cstdlib>
#include <cstring>

namespace kernels::gpu {
namespace {

class RuntimeGraph final : public Graph {
 public:
  RuntimeGraph(const RuntimeCalls& calls, void* exec, int64_t count) : kernels(count), m_calls(calls), m_exec(exec) {}
  ~RuntimeGraph() override { m_calls.graph_exec_destroy(m_exec); }
  RuntimeGraph(const RuntimeGraph&) = delete;
  RuntimeGraph& operator=(const RuntimeGraph&) = delete;
  void* exec() const { return m_exec; }
  const int64_t kernels;

 private:
  const RuntimeCalls& m_calls;
  void* m_exec;
};

}  // namespace

std::string text_of(const Launch& l) {
  return std::string(key_of(l.kernel)) + " on " + std::to_string(l.grid_x) + " x " + std::to_string(l.grid_y) +
         " blocks of " + std::to_string(l.threads) + ", " + std::to_string(l.lds_bytes) + " bytes of shared memory";
}

std::string version_text(int v, int major, int minor) {
  return std::to_string(v / major) + "." + std::to_string(v % major / minor);
}

void RuntimeDevice::close() {
  for (void*& e : m_events) {
    if (e) m_calls.event_destroy(e);
    e = nullptr;
  }
  for (void*& s : m_streams) {
    if (s) m_calls.stream_destroy(s);
    s = nullptr;
  }
}

Status RuntimeDevice::status_of(int code, const std::string& what) const {
  if (code == 0) return {};
  return {std::string(m_calls.name) + ": " + what + ": " + m_calls.error_text(code) + " (" + m_calls.error_name(code) + ")"};
}

Status RuntimeDevice::noted(Status s) {
  if (!s.ok()) m_lost = true;
  return s;
}

Status RuntimeDevice::make_streams() {
  for (void*& s : m_streams) {
    if (Status made = status_of(m_calls.stream_create(&s, RuntimeCalls::kNonBlocking), "a stream"); !made.ok()) return made;
  }
  return {};
}

int64_t RuntimeDevice::free_memory() {
  size_t free = 0, total = 0;
  return m_calls.mem_info(&free, &total) == 0 ? static_cast<int64_t>(free) : 0;
}

Status RuntimeDevice::allocate(int64_t bytes, void** out) {
  const bool fails = m_fault.what == "alloc" && std::to_string(++m_allocations) == m_fault.of;
  const int e = fails ? m_calls.out_of_memory : m_calls.allocate(out, static_cast<size_t>(bytes));
  if (e == 0) m_held[static_cast<const uint8_t*>(*out)] = bytes;
  if (e != 0 && e == m_calls.out_of_memory) {
    m_calls.last_error();  // not a device error: everything else goes on
    return {std::string(m_calls.name) + ": " + std::to_string(bytes) + " bytes can't be had, " + std::to_string(free_memory()) + " are free"};
  }
  return noted(status_of(e, "allocating " + std::to_string(bytes) + " bytes"));
}

void RuntimeDevice::release(void* p) {
  m_calls.release(p);
  m_held.erase(static_cast<const uint8_t*>(p));
}

// On a stream of ours: a plain copy from pageable memory may return before its last bytes have arrived, and
// streams that do not block would not wait for them.
Status RuntimeDevice::copy(void* to, const void* from, int64_t bytes, int kind, const char* what) {
  if (bytes == 0) return {};
  if (Status s = synchronize(); !s.ok()) return s;
  m_after_kernel = {};
  if (Status s = status_of(m_calls.copy(to, from, static_cast<size_t>(bytes), kind, m_streams[0]), what); !s.ok())
    return noted(s);
  return synchronize();
}

Status RuntimeDevice::upload(void* to, const void* from, int64_t bytes) {
  return copy(to, from, bytes, RuntimeCalls::kToDevice, "upload");
}
Status RuntimeDevice::download(void* to, const void* from, int64_t bytes) {
  return copy(to, from, bytes, RuntimeCalls::kToHost, "download");
}

Status RuntimeDevice::set(void* to, uint8_t value, int64_t bytes) {
  if (bytes == 0) return {};
  if (Status s = synchronize(); !s.ok()) return s;
  m_after_kernel = {};
  if (Status s = status_of(m_calls.set(to, value, static_cast<size_t>(bytes), m_streams[0]), "fill"); !s.ok()) return noted(s);
  return synchronize();
}

Status RuntimeDevice::launch(const Launch& l, int stream) {
  if (!l.refused.empty()) return {l.refused};
  if (l.grid_x == 0 || l.grid_y == 0) return {};
  StampSlot* slots = l.stamps;
  Room room;
  const void* passing = nullptr;
  if (Status s = passed(l.kernel, l.args, &room, &passing); !s.ok()) return s;
  void* args[] = {const_cast<void*>(passing), &slots};  // the plain form takes the first alone
  const void* kernel = slots ? stamped(l.kernel) : function(l.kernel);
  if (!kernel) return {std::string(m_calls.name) + ": no stamped form of " + std::string(key_of(l.kernel))};
  bool& after_kernel = m_after_kernel[static_cast<size_t>(stream)];
  const bool overlap = m_overlap && after_kernel, broken = !m_fault.of.empty() && m_fault.of == key_of(l.kernel);
  const int64_t began = m_log.now();
  const int e = broken ? launch_broken(l, stream, kernel, slots)
                       : m_calls.launch(kernel, static_cast<unsigned>(l.grid_x), static_cast<unsigned>(l.grid_y),
                                        static_cast<unsigned>(l.threads), static_cast<size_t>(l.lds_bytes), l.cluster, overlap,
                                        stream_of(stream), args);
  if (e == 0) {
    after_kernel = true;
    m_last = l, m_last_graph = 0;
    m_last.args = nullptr;
    if (!m_capturing) m_log.add(m_calls.launch_name, began);
    ++(m_capturing ? m_captured : m_launched);
    return {};
  }
  return noted(status_of(e, "launching " + text_of(l)));
}

std::string RuntimeDevice::running() const {
  return m_last_graph > 0 ? "a graph of " + std::to_string(m_last_graph) + " kernels" : text_of(m_last);
}

RuntimeDevice::Fault RuntimeDevice::Fault::read() {
  const char* value = std::getenv("DECODESCOPE_GPU_FAULT");
  const std::string text = value ? value : "";
  const size_t colon = text.find(':');
  return colon == std::string::npos ? Fault{} : Fault{text.substr(0, colon), text.substr(colon + 1)};
}

int RuntimeDevice::launch_broken(const Launch& l, int stream, const void* kernel, StampSlot* slots) {
  std::vector<uint8_t> bytes(static_cast<const uint8_t*>(l.args), static_cast<const uint8_t*>(l.args) + l.size);
  for (size_t at = 0; m_fault.what == "address" && at + 8 <= bytes.size(); at += 8) {
    const uint8_t* p = nullptr;
    std::memcpy(&p, bytes.data() + at, 8);
    auto block = m_held.upper_bound(p);
    if (block == m_held.begin() || p >= std::prev(block)->first + std::prev(block)->second) continue;
    p += int64_t{1} << 44;  // far from everything that is mapped
    std::memcpy(bytes.data() + at, &p, 8);
  }
  Room room;
  const void* passing = nullptr;
  if (!passed(l.kernel, bytes.data(), &room, &passing).ok()) passing = bytes.data();
  void* args[] = {const_cast<void*>(passing), &slots};
  const int threads = m_fault.what == "launch" ? 4096 : l.threads;
  return m_calls.launch(kernel, static_cast<unsigned>(l.grid_x), static_cast<unsigned>(l.grid_y), static_cast<unsigned>(threads),
                        static_cast<size_t>(l.lds_bytes), l.cluster, false, stream_of(stream), args);
}

Status RuntimeDevice::synchronize() {
  for (void* s : m_streams) {
    if (!s) continue;  // opening failed before there were streams
    if (const int e = m_calls.stream_synchronize(s); e != 0)
      return noted(status_of(e, "running, the last launch was " + running()));
  }
  return {};
}

Status RuntimeDevice::event_of(int event, void** out) {
  if (static_cast<size_t>(event) >= m_events.size()) m_events.resize(static_cast<size_t>(event) + 1, nullptr);
  void*& e = m_events[static_cast<size_t>(event)];
  if (!e) {
    if (Status s = status_of(m_calls.event_create(&e), "an event"); !s.ok()) return noted(s);
  }
  *out = e;
  return {};
}

Status RuntimeDevice::record(int event, int stream) {
  void* e = nullptr;
  m_after_kernel[static_cast<size_t>(stream)] = false;
  if (Status s = event_of(event, &e); !s.ok()) return s;
  return noted(status_of(m_calls.event_record(e, stream_of(stream)), "recording an event"));
}
Status RuntimeDevice::wait(int event, int stream) {
  void* e = nullptr;
  m_after_kernel[static_cast<size_t>(stream)] = false;
  if (Status s = event_of(event, &e); !s.ok()) return s;
  return noted(status_of(m_calls.stream_wait(stream_of(stream), e, 0), "waiting for an event"));
}
Status RuntimeDevice::elapsed_us(int from, int to, double* us) {
  float ms = 0;
  void *a = nullptr, *b = nullptr;
  if (Status s = event_of(from, &a); !s.ok()) return s;
  if (Status s = event_of(to, &b); !s.ok()) return s;
  Status s = status_of(m_calls.event_elapsed(&ms, a, b), "the time between two events");
  *us = static_cast<double>(ms) * 1000;
  return s;
}

Status RuntimeDevice::begin_capture() {
  m_capturing = true, m_captured = 0, m_after_kernel = {};
  return noted(status_of(m_calls.capture_begin(m_streams[0], RuntimeCalls::kThreadLocal), "beginning a capture"));
}
Status RuntimeDevice::end_capture(std::unique_ptr<Graph>* out) {
  void *graph = nullptr, *exec = nullptr;
  m_capturing = false, m_after_kernel = {};
  if (Status s = status_of(m_calls.capture_end(m_streams[0], &graph), "ending a capture"); !s.ok()) return noted(s);
  const Status s = status_of(m_calls.graph_instantiate(&exec, graph, 0), "instantiating a graph");
  m_calls.graph_destroy(graph);
  if (!s.ok()) return noted(s);
  *out = std::make_unique<RuntimeGraph>(m_calls, exec, m_captured);
  return {};
}
Status RuntimeDevice::launch(Graph& graph, int stream) {
  auto& g = static_cast<RuntimeGraph&>(graph);
  m_launched += g.kernels, m_last_graph = g.kernels;
  m_after_kernel[static_cast<size_t>(stream)] = false;
  const int64_t began = m_log.now();
  const int e = m_calls.graph_launch(g.exec(), stream_of(stream));
  if (e == 0) m_log.add(m_calls.graph_launch_name, began);
  return noted(status_of(e, "launching a graph"));
}

}  // namespace kernels::gpu
