#include "tests/gpu/lib/fake_hip.h"

#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <stdexcept>

// hipError_t
enum Code {
  kDone = 0, kInvalidValue = 1, kOutOfMemory = 2, kNoDevice = 100, kInvalidImage = 200, kNoBinaryForGpu = 209, kNotFound = 500,
  kNotReady = 600, kLaunchFailure = 719, kCaptureUnsupported = 900, kCaptureUnjoined = 904, kCaptureIsolation = 905
};

namespace {

fake_hip::State state;
int& broken = state.broken;
double ticks = 0;

// Of the launch call it came with: a graph's nodes are all of the graph's launch.
using Work = std::function<void(uint64_t call)>;

struct Node {
  Work work;
  std::vector<size_t> after;
};
struct Graph {
  std::vector<Node> nodes;
};
struct Stream;
struct Record {  // one recording of an event
  Stream* stream = nullptr;
  bool done = false;
  double at = 0;
  std::shared_ptr<Graph> graph;  // it was captured
  std::vector<size_t> after;
};
struct Event {
  std::shared_ptr<Record> last;
};
struct Task {
  std::function<void()> work;
  std::shared_ptr<Record> record, wait;
};
struct Stream {
  int number = 0;
  std::deque<Task> tasks;
  std::shared_ptr<Graph> graph;  // being captured
  std::vector<size_t> after;
};
struct Block {
  uint8_t* base;
  size_t whole;
  int64_t bytes;
};
struct Module {
  std::map<std::string, std::string> functions;
  std::string image;
};

std::vector<std::unique_ptr<Stream>> streams;
std::map<void*, Block> blocks;

int answer(const std::string& call, const std::string& detail = {}) {
  state.log.push_back(detail.empty() ? call : call + " " + detail);
  if (broken) return broken;
  if (state.fail == call && --state.after == 0) {
    if (state.code >= 700 && state.code < 900) broken = state.code;
    return state.code;
  }
  return kDone;
}

void drain(Stream& s, const Record* until = nullptr) {
  while (!s.tasks.empty() && !(until && until->done) && !broken) {
    Task t = std::move(s.tasks.front());
    s.tasks.pop_front();
    ticks += 1;
    if (t.wait && !t.wait->done && t.wait->stream != &s) drain(*t.wait->stream, t.wait.get());
    if (t.record) t.record->done = true, t.record->at = ticks;
    if (!t.work) continue;
    try {
      t.work();
    } catch (const std::exception& e) {
      state.log.push_back(std::string("fault: ") + e.what());
      broken = kLaunchFailure;
      for (const auto& all : streams) all->tasks.clear();  // what was to come never runs
      return;
    }
  }
}

void drain_all() {
  for (auto s = streams.rbegin(); s != streams.rend(); ++s) drain(**s);
}

bool capturing() {
  return std::any_of(streams.begin(), streams.end(), [](const auto& s) { return s->graph != nullptr; });
}

// What a profiler would be told around a call that launches something on this stream.
uint64_t launching(const Stream& s, const char* name) {
  if (state.stream) state.stream(static_cast<uint64_t>(s.number), true);
  const uint64_t call = state.launching ? state.launching(name) : 0;
  if (state.stream) state.stream(static_cast<uint64_t>(s.number), false);
  return call;
}

void put(Stream& s, const char* name, Work work) {
  if (!s.graph) {
    const uint64_t call = launching(s, name);
    s.tasks.push_back({[work = std::move(work), call] { work(call); }, nullptr, nullptr});
    return;
  }
  s.graph->nodes.push_back({std::move(work), s.after});
  s.after = {s.graph->nodes.size() - 1};
}

// Last ready node first.
void run_graph(const Graph& g, uint64_t call) {
  std::vector<bool> done(g.nodes.size());
  for (size_t left = g.nodes.size(); left > 0; --left) {
    for (size_t i = g.nodes.size(); i-- > 0;) {
      const auto& after = g.nodes[i].after;
      if (done[i] || !std::all_of(after.begin(), after.end(), [&](size_t a) { return done[a]; })) continue;
      g.nodes[i].work(call);
      done[i] = true;
      break;
    }
  }
}

// Whether all that `nodes` stand for is an ancestor of `ends`, or one of them.
bool joined(const Graph& g, std::vector<size_t> ends, const std::vector<size_t>& nodes) {
  std::vector<bool> seen(g.nodes.size());
  while (!ends.empty()) {
    const size_t i = ends.back();
    ends.pop_back();
    if (seen[i]) continue;
    seen[i] = true;
    ends.insert(ends.end(), g.nodes[i].after.begin(), g.nodes[i].after.end());
  }
  return std::all_of(nodes.begin(), nodes.end(), [&](size_t n) { return seen[n]; });
}

std::string text(const Stream* s) {
  return "stream " + std::to_string(s->number);
}

}  // namespace

extern "C" {

fake_hip::State* fake_hip_state() {
  return &state;
}

const char* hipGetErrorName(int code) {
  switch (code) {
    case kOutOfMemory: return "hipErrorOutOfMemory";
    case kNoDevice: return "hipErrorNoDevice";
    case kNoBinaryForGpu: return "hipErrorNoBinaryForGpu";
    case kNotReady: return "hipErrorNotReady";
    case kLaunchFailure: return "hipErrorLaunchFailure";
    case kCaptureUnjoined: return "hipErrorStreamCaptureUnjoined";
    case kCaptureIsolation: return "hipErrorStreamCaptureIsolation";
    default: return "hipErrorUnknown";
  }
}
const char* hipGetErrorString(int code) {
  return code == kNoDevice ? "no ROCm-capable device is detected" : code == kLaunchFailure ? "unspecified launch failure" : "an error";
}
int hipGetLastError() {
  return broken;
}

int hipGetDeviceCount(int* out) {
  *out = state.devices;
  const int code = answer("hipGetDeviceCount");
  return code ? code : state.devices == 0 ? kNoDevice : kDone;
}
int hipSetDevice(int) {
  return answer("hipSetDevice");
}
int hipDeviceGetName(char* out, int bytes, int) {
  std::strncpy(out, state.name.c_str(), static_cast<size_t>(bytes));
  return answer("hipDeviceGetName");
}
int hipDeviceTotalMem(size_t* out, int) {
  *out = static_cast<size_t>(state.memory);
  return answer("hipDeviceTotalMem");
}
int hipDeviceGetAttribute(int* out, int attribute, int) {
  *out = attribute == 19 ? 4 << 20 : attribute == 63 ? state.units : attribute == 74 ? state.lds_bytes : attribute == 87 ? state.wave : -1;
  const int code = answer("hipDeviceGetAttribute", std::to_string(attribute));
  return code ? code : *out == -1 ? kInvalidValue : kDone;
}
int hipGetDevicePropertiesR0600(void* out, int) {  // hipDeviceProp_t: 1472 bytes, name at 0, gcnArchName at 1160
  std::memset(out, 0, 1472);
  std::strncpy(static_cast<char*>(out), state.name.c_str(), 255);
  std::strncpy(static_cast<char*>(out) + 1160, state.arch.c_str(), 255);
  return answer("hipGetDevicePropertiesR0600");
}
int hipDriverGetVersion(int* out) {
  *out = 70051831;
  return kDone;
}
int hipRuntimeGetVersion(int* out) {
  *out = 70051831;
  return kDone;
}
int hipDeviceGetPCIBusId(char* out, int bytes, int) {
  std::strncpy(out, "0000:05:00.0", static_cast<size_t>(bytes));
  return kDone;
}

int hipMemGetInfo(size_t* free, size_t* total) {
  *free = static_cast<size_t>(state.memory - state.used), *total = static_cast<size_t>(state.memory);
  return answer("hipMemGetInfo");
}
// The block's end is at a page that may not be touched; it is filled with NaN.
int hipMalloc(void** out, size_t bytes) {
  if (const int code = answer("hipMalloc", std::to_string(bytes))) return code;
  if (state.used + static_cast<int64_t>(bytes) > state.memory) return kOutOfMemory;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t used = (bytes + 255) / 256 * 256, whole = (used + page - 1) / page * page;
  auto* base = static_cast<uint8_t*>(mmap(nullptr, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (base == MAP_FAILED || mprotect(base + whole, page, PROT_NONE) != 0) return kOutOfMemory;
  std::memset(base, 0xff, whole);
  *out = base + whole - used;
  blocks[*out] = {base, whole + page, static_cast<int64_t>(bytes)};
  state.used += static_cast<int64_t>(bytes);
  return kDone;
}
int hipFree(void* p) {
  const int code = answer("hipFree");
  if (!p) return code;
  const auto block = blocks.find(p);
  if (block == blocks.end()) return kInvalidValue;
  drain_all();
  munmap(block->second.base, block->second.whole);
  state.used -= block->second.bytes;
  blocks.erase(block);
  return code;
}
int hipMemcpyAsync(void* to, const void* from, size_t bytes, int kind, void* stream) {
  auto* s = static_cast<Stream*>(stream);
  if (const int code = answer("hipMemcpyAsync", std::to_string(bytes) + (kind == 1 ? " to device " : kind == 2 ? " to host " : " ? ") + text(s))) return code;
  if (kind != 1 && kind != 2) return kInvalidValue;
  put(*s, "hipMemcpyAsync", [=](uint64_t) { std::memcpy(to, from, bytes); });
  return kDone;
}
int hipMemsetAsync(void* to, int value, size_t bytes, void* stream) {
  auto* s = static_cast<Stream*>(stream);
  if (const int code = answer("hipMemsetAsync", std::to_string(bytes) + " " + text(s))) return code;
  put(*s, "hipMemsetAsync", [=](uint64_t) { std::memset(to, value, bytes); });
  return kDone;
}

int hipStreamCreateWithFlags(void** out, unsigned flags) {
  if (const int code = answer("hipStreamCreateWithFlags", std::to_string(flags))) return code;
  streams.push_back(std::make_unique<Stream>());
  streams.back()->number = static_cast<int>(streams.size()) - 1;
  *out = streams.back().get();
  ++state.streams;
  return kDone;
}
int hipStreamDestroy(void* stream) {
  const int code = answer("hipStreamDestroy");
  drain(*static_cast<Stream*>(stream));
  std::erase_if(streams, [&](const auto& s) { return s.get() == stream; });
  --state.streams;
  return code;
}
int hipStreamSynchronize(void* stream) {
  if (const int code = answer("hipStreamSynchronize", text(static_cast<Stream*>(stream)))) return code;
  if (capturing()) return kCaptureUnsupported;
  drain(*static_cast<Stream*>(stream));
  return broken;
}
int hipStreamWaitEvent(void* stream, void* event, unsigned) {
  auto& s = *static_cast<Stream*>(stream);
  if (const int code = answer("hipStreamWaitEvent", text(&s))) return code;
  const auto& record = static_cast<Event*>(event)->last;
  if (!record) return kDone;  // never recorded: nothing to wait for
  if (record->graph) {
    if (!s.graph) s.graph = record->graph;
    if (s.graph != record->graph) return kCaptureIsolation;
    s.after.insert(s.after.end(), record->after.begin(), record->after.end());
    return kDone;
  }
  if (s.graph) return kCaptureIsolation;
  s.tasks.push_back({{}, nullptr, record});
  return kDone;
}

int hipEventCreate(void** out) {
  if (const int code = answer("hipEventCreate")) return code;
  *out = new Event;
  ++state.events;
  return kDone;
}
int hipEventDestroy(void* event) {
  delete static_cast<Event*>(event);
  --state.events;
  return answer("hipEventDestroy");
}
int hipEventRecord(void* event, void* stream) {
  auto& s = *static_cast<Stream*>(stream);
  if (const int code = answer("hipEventRecord", text(&s))) return code;
  auto record = std::make_shared<Record>();
  record->stream = &s;
  if (s.graph)
    record->graph = s.graph, record->after = s.after;
  else
    s.tasks.push_back({{}, record, nullptr});
  static_cast<Event*>(event)->last = record;
  return kDone;
}
int hipEventElapsedTime(float* ms, void* from, void* to) {
  if (const int code = answer("hipEventElapsedTime")) return code;
  const auto &a = static_cast<Event*>(from)->last, &b = static_cast<Event*>(to)->last;
  if (!a || !b || a->graph || b->graph) return kInvalidValue;
  if (!a->done || !b->done) return kNotReady;
  *ms = static_cast<float>((b->at - a->at) * 1e-3);
  return kDone;
}

int hipStreamBeginCapture(void* stream, int mode) {
  auto& s = *static_cast<Stream*>(stream);
  if (const int code = answer("hipStreamBeginCapture", "mode " + std::to_string(mode) + " " + text(&s))) return code;
  if (s.graph) return kInvalidValue;
  s.graph = std::make_shared<Graph>();
  s.after.clear();
  return kDone;
}
int hipStreamEndCapture(void* stream, void** out) {
  auto& s = *static_cast<Stream*>(stream);
  const int code = answer("hipStreamEndCapture", text(&s));
  const std::shared_ptr<Graph> graph = s.graph;
  if (!graph) return kInvalidValue;
  bool whole = true;
  for (const auto& other : streams) {
    if (other->graph != graph) continue;
    whole = whole && (other.get() == &s || joined(*graph, s.after, other->after));
  }
  for (const auto& other : streams) {
    if (other->graph == graph) other->graph = nullptr, other->after.clear();
  }
  if (code || !whole) return code ? code : kCaptureUnjoined;
  *out = new std::shared_ptr<Graph>(graph);
  ++state.graphs;
  return kDone;
}
int hipGraphInstantiateWithFlags(void** out, void* graph, unsigned long long flags) {
  if (const int code = answer("hipGraphInstantiateWithFlags", std::to_string(flags))) return code;
  *out = new std::shared_ptr<Graph>(*static_cast<std::shared_ptr<Graph>*>(graph));
  ++state.graphs;
  return kDone;
}
int hipGraphDestroy(void* graph) {
  delete static_cast<std::shared_ptr<Graph>*>(graph);
  --state.graphs;
  return answer("hipGraphDestroy");
}
int hipGraphExecDestroy(void* graph) {
  delete static_cast<std::shared_ptr<Graph>*>(graph);
  --state.graphs;
  return answer("hipGraphExecDestroy");
}
int hipGraphLaunch(void* exec, void* stream) {
  auto& s = *static_cast<Stream*>(stream);
  if (const int code = answer("hipGraphLaunch", text(&s))) return code;
  if (s.graph) return kCaptureUnsupported;
  put(s, "hipGraphLaunch", [graph = *static_cast<std::shared_ptr<Graph>*>(exec)](uint64_t call) { run_graph(*graph, call); });
  return kDone;
}

// As the real one: an ELF file for this GPU, of whatever length its section headers say.
int hipModuleLoadData(void** out, const void* image) {
  if (const int code = answer("hipModuleLoadData")) return code;
  Elf64_Ehdr head;
  std::memcpy(&head, image, sizeof head);
  constexpr uint16_t kAmdGpu = 224;
  constexpr uint32_t kGfx950 = 0x4f;
  if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) return kInvalidImage;
  if (head.e_machine != kAmdGpu || (head.e_flags & 0xffu) != kGfx950) return kNoBinaryForGpu;
  auto* module = new Module;
  module->image.assign(static_cast<const char*>(image), head.e_shoff + size_t{head.e_shnum} * head.e_shentsize);
  *out = module;
  ++state.modules;
  return kDone;
}
int hipModuleUnload(void* module) {
  delete static_cast<Module*>(module);
  --state.modules;
  return answer("hipModuleUnload");
}
int hipModuleGetFunction(void** out, void* module, const char* name) {
  if (const int code = answer("hipModuleGetFunction", name)) return code;
  auto& m = *static_cast<Module*>(module);
  const std::string symbol = '\0' + std::string(name) + ".kd" + '\0';  // of a kernel's descriptor
  if (m.image.find(symbol) == std::string::npos) return kNotFound;
  if (!m.functions.contains(name) && state.loaded) state.loaded(name + std::string(".kd"));
  *out = &(m.functions[name] = name);
  return kDone;
}
int hipModuleLaunchKernel(const void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                          unsigned lds_bytes, void* stream, void** args, void** extra) {
  const std::string& name = *static_cast<const std::string*>(function);
  auto& s = *static_cast<Stream*>(stream);
  if (const int code = answer("hipModuleLaunchKernel", name + " " + std::to_string(gx) + "x" + std::to_string(gy) + " " + std::to_string(bx) +
                                                           " " + std::to_string(lds_bytes) + " " + text(&s)))
    return code;
  const int64_t bytes = state.argument_bytes ? state.argument_bytes(name) : 0;
  if (bytes == 0 || gx == 0 || gy == 0 || gz != 1 || by != 1 || bz != 1 || bx > 1024 || lds_bytes > static_cast<unsigned>(state.lds_bytes) ||
      !args || extra)
    return kInvalidValue;
  const auto* from = static_cast<const uint8_t*>(args[0]);
  std::vector<uint8_t> copied(from, from + bytes);
  if (name.ends_with("_stamped")) {
    const auto* slots = static_cast<const uint8_t*>(args[1]);
    copied.insert(copied.end(), slots, slots + sizeof(void*));
  }
  put(s, "hipModuleLaunchKernel", [name, gx, gy, bx, lds_bytes, queue = static_cast<uint64_t>(s.number), copy = std::move(copied)](uint64_t call) {
    state.execute(name, gx, gy, static_cast<int>(bx), lds_bytes, copy.data());
    if (state.dispatched) state.dispatched(name + ".kd", call, queue);
  });
  return kDone;
}

}  // extern "C"
