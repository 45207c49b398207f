#include "kernels/gpu/hip/profiler.h"

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "kernels/gpu/hip/rocprofiler_abi.h"

namespace kernels::gpu {
namespace {

using namespace rocprofiler;

constexpr size_t kBufferBytes = 4 << 20;
constexpr uint32_t kMostKinds = 64;
constexpr int32_t kMostOperations = 16, kMostCalls = 2000;

Calls calls;
Id naming, tracing, buffer;  // contexts: kernels' names always, dispatches while tracing
uint32_t code_object_kind = 0, stream_kind = 0, dispatch_kind = 0, register_operation = 0, set_operation = 0;
uint32_t api_kind = 0;
std::map<uint32_t, std::string> launch_operations;  // of HIP's calls those that launch, by number
std::string unfit;  // why the tool could not be set up

std::mutex mutex;  // of what follows
std::map<uint64_t, std::string> names;
std::vector<TracedKernel> records;
std::vector<TracedCall> launches;
std::map<uint64_t, uint32_t> queues;  // numbered as they are seen
int64_t short_records = 0, dropped_records = 0;

// Of a callback's record, whichever layout it has.
struct Seen {
  uint64_t thread;
  uint32_t operation, phase;
  const void* payload;
};
Seen seen(const CallbackRecord& r, uint32_t kind) {
  OldCallbackRecord old;
  std::memcpy(&old, &r, sizeof old);
  // An ancestor is a small number: its upper half is not an operation.
  if (old.kind == kind && old.operation != 0) return {old.thread, old.operation, old.phase, old.payload};
  return {r.thread, r.operation, r.phase, r.payload};
}

void on_code_object(CallbackRecord record, void*, void*) {
  const Seen s = seen(record, code_object_kind);
  if (s.operation != register_operation || s.phase != kEnter || !s.payload) return;
  const auto* symbol = static_cast<const KernelSymbol*>(s.payload);
  if (symbol->size < sizeof *symbol || !symbol->name) return;
  std::string name = symbol->name;
  if (name.ends_with(".kd")) name.resize(name.size() - 3);
  const std::lock_guard lock(mutex);
  names[symbol->kernel] = std::move(name);
}

// Around each HIP call that has a stream: its number travels with what is dispatched in between, plus one.
void on_stream(CallbackRecord record, void*, void*) {
  const Seen s = seen(record, stream_kind);
  if (s.operation != set_operation || !s.payload) return;
  const auto* data = static_cast<const StreamData*>(s.payload);
  if (data->size < sizeof *data) return;
  uint64_t popped = 0;
  if (s.phase == kEnter)
    calls.push_external(tracing, s.thread, data->stream + 1);
  else if (s.phase == kExit)
    calls.pop_external(tracing, s.thread, &popped);
}

void on_call(const ApiRecord& r) {
  const auto name = launch_operations.find(r.operation);
  if (name == launch_operations.end() || r.size < kOldApiRecord) return;
  const uint64_t* t = r.size >= kApiRecord ? r.rest + 1 : r.rest;
  launches.push_back({name->second, static_cast<int64_t>(t[0]), static_cast<int64_t>(t[1]), t[2], static_cast<uint32_t>(r.correlation)});
}

void on_records(Id, Id, RecordHeader** headers, size_t count, void*, uint64_t dropped) {
  const std::lock_guard lock(mutex);
  dropped_records += static_cast<int64_t>(dropped);
  for (size_t i = 0; i < count; ++i) {
    if (headers[i]->category != kTracingCategory) continue;
    if (api_kind && headers[i]->kind == api_kind) on_call(*static_cast<const ApiRecord*>(headers[i]->payload));
    if (headers[i]->kind != dispatch_kind) continue;
    const auto* r = static_cast<const KernelRecord*>(headers[i]->payload);
    if (r->size < kLeastRecord) {
      ++short_records;
      continue;
    }
    const auto name = names.find(r->dispatch.kernel);
    if (name == names.end() || !name->second.starts_with("ds_")) continue;  // fills and copies of the runtime
    const uint32_t queue = queues.emplace(r->dispatch.queue, static_cast<uint32_t>(queues.size())).first->second;
    TracedKernel k;
    k.name = name->second;
    k.start_ns = static_cast<int64_t>(r->start_ns), k.end_ns = static_cast<int64_t>(r->end_ns);
    k.stream = r->external > 0 ? static_cast<uint32_t>(r->external - 1) : queue;
    k.correlation = static_cast<uint32_t>(r->correlation);
    k.queue = queue, k.order = r->dispatch.dispatch;
    records.push_back(std::move(k));
  }
}

// The first number whose name ends so; 0 when there is none. Numbers shift when the SDK learns of something new.
template <class Name>
uint32_t find(uint32_t below, std::string_view ending, const Name& name_of) {
  for (uint32_t i = 1; i < below; ++i) {
    const char* name = nullptr;
    uint64_t length = 0;
    if (name_of(i, &name, &length) == kSuccess && name && std::string_view(name).ends_with(ending)) return i;
  }
  return 0;
}

bool take(int code, const char* what) {
  if (code != kSuccess && unfit.empty()) unfit = std::string(what) + ": code " + std::to_string(code);
  return code == kSuccess;
}

// HIP's launches by name, so that only they are recorded. Numbers without a name may lie between others.
std::vector<int32_t> find_launches() {
  std::vector<int32_t> found;
  api_kind = calls.buffer_operation_name ? find(kMostKinds, "HIP_RUNTIME_API", calls.buffer_kind_name) : 0;
  for (int32_t i = 0; api_kind && i < kMostCalls; ++i) {
    const char* name = nullptr;
    uint64_t length = 0;
    if (calls.buffer_operation_name(api_kind, i, &name, &length) != kSuccess || !name) continue;
    const std::string_view text = name;
    if (text != "hipModuleLaunchKernel" && text != "hipLaunchKernel" && text != "hipGraphLaunch" && text != "hipExtModuleLaunchKernel") continue;
    launch_operations[static_cast<uint32_t>(i)] = text;
    found.push_back(i);
  }
  return found;
}

int set_up(void*, void*) {
  const auto operation = [](uint32_t kind, std::string_view ending) {
    return find(kMostOperations, ending, [kind](uint32_t i, const char** name, uint64_t* n) {
      return calls.callback_operation_name(kind, static_cast<int32_t>(i), name, n);
    });
  };
  code_object_kind = find(kMostKinds, "CODE_OBJECT", calls.callback_kind_name);
  stream_kind = find(kMostKinds, "HIP_STREAM", calls.callback_kind_name);
  if (!stream_kind) stream_kind = find(kMostKinds, "HIP_STREAM_API", calls.callback_kind_name);
  dispatch_kind = find(kMostKinds, "KERNEL_DISPATCH", calls.buffer_kind_name);
  register_operation = code_object_kind ? operation(code_object_kind, "DEVICE_KERNEL_SYMBOL_REGISTER") : 0;
  set_operation = stream_kind ? operation(stream_kind, "STREAM_SET") : 0;
  if (!dispatch_kind || !register_operation) {
    unfit = "it knows no kernel dispatches or kernel names";
    return -1;
  }
  const bool fit = take(calls.create_context(&naming), "a context") && take(calls.create_context(&tracing), "a context") &&
                   take(calls.create_buffer(tracing, kBufferBytes, kBufferBytes / 2, kLossless, &on_records, nullptr, &buffer), "a buffer") &&
                   take(calls.trace_by_callback(naming, code_object_kind, nullptr, 0, &on_code_object, nullptr), "kernel names") &&
                   take(calls.trace_into_buffer(tracing, dispatch_kind, nullptr, 0, buffer), "kernel dispatches") &&
                   (!set_operation || take(calls.trace_by_callback(tracing, stream_kind, nullptr, 0, &on_stream, nullptr), "streams")) &&
                   take(calls.start_context(naming), "starting");
  // Without launches the kernels are told of all the same.
  const std::vector<int32_t> operations = fit ? find_launches() : std::vector<int32_t>{};
  if (!operations.empty()) calls.trace_into_buffer(tracing, api_kind, operations.data(), operations.size(), buffer);
  return fit ? 0 : -1;
}

Tool* configure(uint32_t, const char*, uint32_t, ClientId* id) {
  id->name = "decodescope";
  static Tool tool{sizeof(Tool), &set_up, nullptr, nullptr};
  return &tool;
}

void* open_library(std::string* name) {
  const char* chosen = std::getenv("DECODESCOPE_ROCPROFILER");
  if (chosen && *chosen) {
    *name = chosen;
    return std::strcmp(chosen, "off") == 0 ? nullptr : dlopen(chosen, RTLD_NOW | RTLD_GLOBAL);
  }
  *name = "librocprofiler-sdk.so.1";
  for (const char* at : {"librocprofiler-sdk.so.1", "/opt/rocm/lib/librocprofiler-sdk.so.1"}) {
    if (void* library = dlopen(at, RTLD_NOW | RTLD_GLOBAL)) return library;
  }
  return nullptr;
}

}  // namespace

Rocprofiler* Rocprofiler::load(std::string* why) {
  static std::string missing;
  static Rocprofiler* const loaded = []() -> Rocprofiler* {
    std::string file;
    void* library = open_library(&file);
    if (!library) {
      missing = file == "off" ? "DECODESCOPE_ROCPROFILER=off" : "no " + file;
      return nullptr;
    }
    const auto find_call = [&](auto& call, const char* name) {
      call = reinterpret_cast<std::remove_reference_t<decltype(call)>>(dlsym(library, name));
      if (!call && missing.empty()) missing = file + " has no " + name;
    };
    find_call(calls.get_version, "rocprofiler_get_version");
    find_call(calls.force_configure, "rocprofiler_force_configure");
    find_call(calls.create_context, "rocprofiler_create_context");
    find_call(calls.start_context, "rocprofiler_start_context");
    find_call(calls.stop_context, "rocprofiler_stop_context");
    find_call(calls.create_buffer, "rocprofiler_create_buffer");
    find_call(calls.flush_buffer, "rocprofiler_flush_buffer");
    find_call(calls.trace_into_buffer, "rocprofiler_configure_buffer_tracing_service");
    find_call(calls.trace_by_callback, "rocprofiler_configure_callback_tracing_service");
    find_call(calls.callback_kind_name, "rocprofiler_query_callback_tracing_kind_name");
    find_call(calls.callback_operation_name, "rocprofiler_query_callback_tracing_kind_operation_name");
    find_call(calls.buffer_kind_name, "rocprofiler_query_buffer_tracing_kind_name");
    find_call(calls.push_external, "rocprofiler_push_external_correlation_id");
    find_call(calls.pop_external, "rocprofiler_pop_external_correlation_id");
    calls.buffer_operation_name = reinterpret_cast<decltype(calls.buffer_operation_name)>(dlsym(library, "rocprofiler_query_buffer_tracing_kind_operation_name"));
    uint32_t major = 0, minor = 0, patch = 0;
    if (!missing.empty()) return nullptr;
    if (calls.get_version(&major, &minor, &patch) != kSuccess || major != 1) {
      missing = "rocprofiler-sdk " + std::to_string(major) + "." + std::to_string(minor) + ", its records are known for version 1";
      return nullptr;
    }
    if (const int code = calls.force_configure(&configure); code != kSuccess || !unfit.empty()) {
      missing = "rocprofiler-sdk can't be set up, " + (unfit.empty() ? "code " + std::to_string(code) : unfit);
      return nullptr;
    }
    static Rocprofiler rocprofiler;
    rocprofiler.m_version = "rocprofiler-sdk " + std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
    return &rocprofiler;
  }();
  if (!loaded) *why = missing;
  return loaded;
}

Status Rocprofiler::begin() {
  {
    const std::lock_guard lock(mutex);
    records.clear(), launches.clear();
    short_records = dropped_records = 0;
  }
  const int code = calls.start_context(tracing);
  return code == kSuccess ? Status{} : Status{"rocprofiler-sdk: beginning: code " + std::to_string(code)};
}

Status Rocprofiler::end(int64_t launched, std::vector<TracedKernel>* out, std::vector<TracedCall>* launched_by) {
  // A kernel's record is made by another thread, some time after whoever waited for the kernel has gone on.
  const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  int64_t here = 0;
  for (;;) {
    calls.flush_buffer(buffer);  // may be busy: then the next turn sees the rest
    {
      const std::lock_guard lock(mutex);
      here = static_cast<int64_t>(records.size()) + short_records + dropped_records;
    }
    if (here >= launched || std::chrono::steady_clock::now() > late) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const int code = calls.stop_context(tracing);
  const std::lock_guard lock(mutex);
  *out = std::move(records);
  records.clear();
  std::set<uint32_t> with_kernels;
  for (const TracedKernel& k : *out) with_kernels.insert(k.correlation);
  std::erase_if(launches, [&](const TracedCall& c) { return !with_kernels.contains(c.correlation); });
  *launched_by = std::move(launches);
  launches.clear();
  std::stable_sort(launched_by->begin(), launched_by->end(), [](const TracedCall& a, const TracedCall& b) { return a.start_ns < b.start_ns; });
  std::stable_sort(out->begin(), out->end(), [](const TracedKernel& a, const TracedKernel& b) { return a.start_ns < b.start_ns; });
  if (code != kSuccess) return {"rocprofiler-sdk: ending: code " + std::to_string(code)};
  if (short_records > 0) return {"rocprofiler-sdk: " + std::to_string(short_records) + " records are shorter than those this build knows"};
  if (static_cast<int64_t>(out->size()) < launched)
    return {"rocprofiler-sdk: " + std::to_string(out->size()) + " of " + std::to_string(launched) + " kernels were reported" +
            (dropped_records ? ", " + std::to_string(dropped_records) + " records were dropped" : "")};
  return {};
}

}  // namespace kernels::gpu
