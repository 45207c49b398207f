#include "tests/gpu/lib/fake_rocprofiler.h"

#include <cstring>
#include <map>
#include <memory>
#include <thread>

#include "kernels/gpu/hip/rocprofiler_abi.h"

using namespace kernels::gpu::rocprofiler;

namespace {

// Far from the real numbers on purpose.
constexpr uint32_t kCodeObject = 33, kHipStream = 41, kOther = 7, kDispatch = 29, kApi = 23;
constexpr int32_t kRegister = 5, kSet = 9;
const std::map<int32_t, const char*> kCallNames = {{3, "hipMemcpyAsync"}, {211, "hipGraphLaunch"}, {340, "hipModuleLaunchKernel"}};
constexpr uint64_t kNaming = 1;  // contexts are numbered as they are made

struct Service {
  uint64_t context;
  Callback callback;
  void* data;
};

std::map<uint32_t, Service> services;
std::map<uint64_t, bool> started;
uint64_t contexts = 0, thread = 4711;
BufferCallback deliver = nullptr;
std::vector<KernelRecord> pending;
std::vector<ApiRecord> pending_calls;
std::vector<int32_t> recorded_calls;  // which were asked for
std::map<std::string, uint64_t> kernels;
std::vector<uint64_t> externals;
struct Launched {
  uint64_t correlation, external;
};
std::vector<Launched> launches;
uint64_t dispatches = 0, now = 1000;
int held_back = 0;

fake_rocprofiler::State* state();

void call(uint32_t kind, int32_t operation, uint32_t phase, void* payload) {
  const auto service = services.find(kind);
  if (service == services.end() || !started[service->second.context]) return;
  uint64_t user_data = 0;
  if (state()->old_callbacks) {
    // 56 bytes on the stack, then whatever lies there.
    struct Padded {
      OldCallbackRecord record;
      uint64_t garbage;
    } padded{{service->second.context, thread, 1, 0, kind, static_cast<uint32_t>(operation), phase, payload}, 0x5a5a5a5a5a5a5a5aull};
    CallbackRecord as_new;
    static_assert(sizeof as_new == sizeof padded);
    std::memcpy(&as_new, &padded, sizeof as_new);
    service->second.callback(as_new, &user_data, service->second.data);
  } else {
    service->second.callback({service->second.context, thread, 1, 0, kind, kind, static_cast<uint32_t>(operation), phase, payload}, &user_data,
                             service->second.data);  // an ancestor that could be mistaken for a kind
  }
}

void loaded(const std::string& kernel) {
  const uint64_t id = kernels.emplace(kernel, kernels.size() + 100).first->second;
  KernelSymbol symbol{sizeof symbol, id, 1, kernel.c_str()};
  call(kCodeObject, kRegister, kEnter, &symbol);
  call(kCodeObject, kRegister - 1, kEnter, nullptr);  // the object itself
}

void on_stream(uint64_t number, bool enter) {
  StreamData data{sizeof data, number, 0xabcd};
  call(kHipStream, kSet, enter ? kEnter : kExit, &data);
}

uint64_t launching(const char* name) {
  launches.push_back({launches.size() + 1, externals.empty() ? 0 : externals.back()});
  for (const int32_t operation : recorded_calls) {
    if (!started[2] || std::strcmp(kCallNames.at(operation), name) != 0) continue;
    ApiRecord r{};
    const bool old = state()->old_callbacks;
    r.size = old ? kOldApiRecord : kApiRecord, r.kind = kApi, r.operation = static_cast<uint32_t>(operation);
    r.correlation = launches.back().correlation;
    uint64_t* t = old ? r.rest : r.rest + 1;
    if (!old) r.rest[0] = 0x77;  // an ancestor
    t[0] = now + 1, t[1] = now + 9, t[2] = thread;
    pending_calls.push_back(r);
  }
  return launches.size() - 1;
}

void dispatched(const std::string& kernel, uint64_t launch, uint64_t queue) {
  now += 100;
  if (!started[2]) return;
  KernelRecord r{};
  r.size = state()->record_bytes;
  r.kind = kDispatch;
  r.correlation = launches.at(launch).correlation, r.external = launches.at(launch).external;
  r.thread = thread, r.start_ns = now, r.end_ns = now + 60;
  r.dispatch.size = sizeof r.dispatch, r.dispatch.queue = queue * 0x1000 + 7, r.dispatch.dispatch = ++dispatches;
  r.dispatch.kernel = kernels.at(kernel);
  pending.push_back(r);
}

fake_rocprofiler::State* state() {
  static fake_rocprofiler::State s = [] {
    fake_rocprofiler::State made;
    made.loaded = loaded, made.stream = on_stream, made.launching = launching, made.dispatched = dispatched;
    return made;
  }();
  return &s;
}

std::string name_of(uint64_t context) {
  return context == kNaming ? "naming" : "tracing";
}

}  // namespace

extern "C" {

fake_rocprofiler::State* fake_rocprofiler_state() {
  return state();
}

int rocprofiler_get_version(uint32_t* major, uint32_t* minor, uint32_t* patch) {
  *major = state()->version[0], *minor = state()->version[1], *patch = state()->version[2];
  return 0;
}
int rocprofiler_force_configure(Configure configure) {
  ClientId id{nullptr, 0};
  Tool* tool = configure(10201, "1.2.1", 0, &id);
  if (!tool || tool->size != sizeof(Tool) || !id.name) return 1;
  state()->log.push_back(std::string("configure ") + id.name);
  return tool->initialize(nullptr, tool->data) == 0 ? 0 : 1;
}
int rocprofiler_create_context(Id* out) {
  out->handle = ++contexts;
  return 0;
}
int rocprofiler_start_context(Id context) {
  state()->log.push_back("start " + name_of(context.handle));
  held_back = state()->late_flushes;
  if (context.handle != kNaming && state()->start_code) return state()->start_code;
  return started[context.handle] ? 12 : (started[context.handle] = true, 0);
}
int rocprofiler_stop_context(Id context) {
  state()->log.push_back("stop " + name_of(context.handle));
  started[context.handle] = false;
  return 0;
}
int rocprofiler_create_buffer(Id, size_t, size_t, int policy, BufferCallback callback, void*, Id* out) {
  deliver = callback;
  out->handle = 1;
  return policy == kLossless ? 0 : 19;
}
int rocprofiler_flush_buffer(Id buffer) {
  if (held_back-- > 0) return 14;  // busy
  std::thread([&] {
    std::vector<RecordHeader> headers;
    for (KernelRecord& r : pending) headers.push_back({kTracingCategory, kDispatch, &r});
    for (ApiRecord& r : pending_calls) headers.push_back({kTracingCategory, kApi, &r});
    headers.push_back({kTracingCategory, kOther, nullptr});
    std::vector<RecordHeader*> each;
    for (RecordHeader& h : headers) each.push_back(&h);
    deliver({2}, buffer, each.data(), each.size(), nullptr, 0);
  }).join();
  pending.clear(), pending_calls.clear();
  return 0;
}
int rocprofiler_configure_buffer_tracing_service(Id context, uint32_t kind, const int32_t* operations, size_t count, Id) {
  if (kind == kApi && context.handle == 2) return recorded_calls.assign(operations, operations + count), 0;
  return kind == kDispatch && context.handle == 2 ? 0 : 4;
}
int rocprofiler_configure_callback_tracing_service(Id context, uint32_t kind, const int32_t*, size_t, Callback callback, void* data) {
  services[kind] = {context.handle, callback, data};
  return 0;
}
int rocprofiler_query_callback_tracing_kind_name(uint32_t kind, const char** name, uint64_t* length) {
  *name = kind == kCodeObject ? "CODE_OBJECT" : kind == kHipStream && state()->knows_streams ? "HIP_STREAM" : kind == kOther ? "HIP_RUNTIME_API" : nullptr;
  *length = *name ? std::strlen(*name) : 0;
  return *name ? 0 : 4;
}
int rocprofiler_query_callback_tracing_kind_operation_name(uint32_t kind, int32_t operation, const char** name, uint64_t* length) {
  *name = kind == kCodeObject && operation == kRegister       ? "CODE_OBJECT_DEVICE_KERNEL_SYMBOL_REGISTER"
          : kind == kCodeObject && operation == kRegister - 1 ? "CODE_OBJECT_LOAD"
          : kind == kHipStream && operation == kSet           ? "HIP_STREAM_SET"
          : kind == kHipStream && operation == kSet - 1       ? "HIP_STREAM_CREATE"
                                                              : nullptr;
  *length = *name ? std::strlen(*name) : 0;
  return *name ? 0 : 5;
}
int rocprofiler_query_buffer_tracing_kind_name(uint32_t kind, const char** name, uint64_t* length) {
  *name = kind == kDispatch ? "KERNEL_DISPATCH" : kind == kOther ? "MEMORY_COPY" : kind == kApi ? "HIP_RUNTIME_API" : nullptr;
  *length = *name ? std::strlen(*name) : 0;
  return *name ? 0 : 4;
}
int rocprofiler_query_buffer_tracing_kind_operation_name(uint32_t kind, int32_t operation, const char** name, uint64_t* length) {
  const auto found = kCallNames.find(operation);
  *name = kind == kApi && state()->knows_calls && found != kCallNames.end() ? found->second : nullptr;
  *length = *name ? std::strlen(*name) : 0;
  return *name ? 0 : 5;
}
int rocprofiler_push_external_correlation_id(Id, uint64_t of_thread, uint64_t value) {
  externals.push_back(value);
  return of_thread == thread ? 0 : 19;
}
int rocprofiler_pop_external_correlation_id(Id, uint64_t, uint64_t* value) {
  if (externals.empty()) return 19;
  *value = externals.back();
  externals.pop_back();
  return 0;
}

}  // extern "C"
