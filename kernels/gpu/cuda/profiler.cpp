#include "kernels/gpu/cuda/profiler.h"

#include <cupti.h>
#include <dlfcn.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <set>

namespace kernels::gpu {
namespace {

constexpr size_t kBufferBytes = 4 << 20, kAlign = 8;

// The calls that are used, by name.
struct Calls {
  decltype(&cuptiGetVersion) version;
  decltype(&cuptiActivityRegisterCallbacks) callbacks;
  decltype(&cuptiActivityEnable) enable;
  decltype(&cuptiActivityDisable) disable;
  decltype(&cuptiActivityFlushAll) flush;
  decltype(&cuptiActivityGetNextRecord) next;
  decltype(&cuptiGetResultString) text;
  // May be missing: then without the clock, or without calls.
  decltype(&cuptiActivityRegisterTimestampCallback) clock;
  decltype(&cuptiActivityEnableRuntimeApi) runtime_call;
  decltype(&cuptiGetCallbackName) call_name;
};

Calls calls;
std::mutex records_mutex;
std::vector<TracedKernel> records;
std::vector<TracedCall> launches;
int64_t short_records = 0;

// What the program launches with, and its neighbours.
constexpr CUpti_CallbackId kLaunchCalls[] = {CUPTI_RUNTIME_TRACE_CBID_cudaLaunchKernel_v7000, CUPTI_RUNTIME_TRACE_CBID_cudaLaunchKernelExC_v11060,
                                             CUPTI_RUNTIME_TRACE_CBID_cudaLaunchCooperativeKernel_v9000, CUPTI_RUNTIME_TRACE_CBID_cudaGraphLaunch_v10000};

uint64_t CUPTIAPI raw_clock() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC_RAW, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

// "cudaLaunchKernel_v7000" without its version.
std::string name_of(CUpti_CallbackId id) {
  const char* name = nullptr;
  if (!calls.call_name || calls.call_name(CUPTI_CB_DOMAIN_RUNTIME_API, id, &name) != CUPTI_SUCCESS || !name) return "launch";
  const std::string all = name;
  const size_t version = all.rfind("_v");
  return version == std::string::npos ? all : all.substr(0, version);
}

Status status_of(CUptiResult r, const char* what) {
  if (r == CUPTI_SUCCESS) return {};
  const char* text = nullptr;
  if (calls.text(r, &text) != CUPTI_SUCCESS || !text) text = "unknown";
  return {std::string("CUPTI: ") + what + ": " + text};
}

void CUPTIAPI give_buffer(uint8_t** buffer, size_t* size, size_t* most) {
  *buffer = static_cast<uint8_t*>(std::aligned_alloc(kAlign, kBufferBytes));
  *size = *buffer ? kBufferBytes : 0;
  *most = 0;
}

void CUPTIAPI take_buffer(CUcontext, uint32_t, uint8_t* buffer, size_t, size_t valid) {
  const std::lock_guard lock(records_mutex);
  for (CUpti_Activity* a = nullptr; calls.next(buffer, valid, &a) == CUPTI_SUCCESS;) {
    if (a->kind == CUPTI_ACTIVITY_KIND_RUNTIME) {
      const auto* c = reinterpret_cast<const CUpti_ActivityAPI*>(a);
      launches.push_back({name_of(c->cbid), static_cast<int64_t>(c->start), static_cast<int64_t>(c->end), c->threadId, c->correlationId});
      continue;
    }
    if (a->kind != CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL && a->kind != CUPTI_ACTIVITY_KIND_KERNEL) continue;
    const auto* k = reinterpret_cast<const CUpti_ActivityKernel10*>(a);
    records.push_back({k->name ? k->name : "", static_cast<int64_t>(k->start), static_cast<int64_t>(k->end), k->streamId,
                       k->graphNodeId, k->correlationId});
    short_records += k->end <= k->start;
  }
  std::free(buffer);
}

template <class F>
bool find(void* library, const char* name, F& call) {
  call = reinterpret_cast<F>(dlsym(library, name));
  return call != nullptr;
}

}  // namespace

Cupti* Cupti::load(std::string* why) {
  static std::string missing;
  static Cupti* const loaded = [] () -> Cupti* {
    const std::string major = std::to_string(CUPTI_API_VERSION / 10000);
    const char* chosen = std::getenv("DECODESCOPE_CUPTI");
    const std::string file = chosen && *chosen ? chosen : "libcupti.so." + major;
    void* library = file == "off" ? nullptr : dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      missing = file == "off" ? "DECODESCOPE_CUPTI=off" : "no " + file;
      return nullptr;
    }
    uint32_t version = 0;
    if (!find(library, "cuptiGetVersion", calls.version) || !find(library, "cuptiActivityRegisterCallbacks", calls.callbacks) ||
        !find(library, "cuptiActivityEnable", calls.enable) || !find(library, "cuptiActivityDisable", calls.disable) ||
        !find(library, "cuptiActivityFlushAll", calls.flush) || !find(library, "cuptiActivityGetNextRecord", calls.next) ||
        !find(library, "cuptiGetResultString", calls.text) || calls.version(&version) != CUPTI_SUCCESS) {
      missing = file + " lacks a call";
      return nullptr;
    }
    if (version < CUPTI_API_VERSION) {  // records only grow: an older library's are shorter than what is read here
      missing = "CUPTI " + std::to_string(version) + " is older than the " + std::to_string(CUPTI_API_VERSION) + " of this build";
      return nullptr;
    }
    find(library, "cuptiActivityRegisterTimestampCallback", calls.clock);
    find(library, "cuptiActivityEnableRuntimeApi", calls.runtime_call);
    find(library, "cuptiGetCallbackName", calls.call_name);
    if (calls.clock) calls.clock(raw_clock);  // before any kind is enabled; refused, CUPTI keeps its own clock for all
    if (const Status s = status_of(calls.callbacks(give_buffer, take_buffer), "registering"); !s.ok()) {
      missing = s.error;
      return nullptr;
    }
    static Cupti cupti;
    cupti.m_version = "CUPTI " + std::to_string(version);
    return &cupti;
  }();
  if (!loaded) *why = missing;
  return loaded;
}

Status Cupti::begin() {
  {
    const std::lock_guard lock(records_mutex);
    records.clear(), launches.clear();
    short_records = 0;
  }
  if (calls.runtime_call) {
    for (const CUpti_CallbackId id : kLaunchCalls) calls.runtime_call(id, 1);  // a call it does not know goes unrecorded
  }
  return status_of(calls.enable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL), "beginning");
}

Status Cupti::end(std::vector<TracedKernel>* out, std::vector<TracedCall>* launched_by) {
  if (calls.runtime_call) {
    for (const CUpti_CallbackId id : kLaunchCalls) calls.runtime_call(id, 0);
  }
  Status s = status_of(calls.flush(1), "flushing");
  if (s.ok()) s = status_of(calls.disable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL), "ending");
  const std::lock_guard lock(records_mutex);
  *out = std::move(records);
  records.clear();
  std::set<uint32_t> launched;
  for (const TracedKernel& k : *out) launched.insert(k.correlation);
  std::erase_if(launches, [&](const TracedCall& c) { return !launched.contains(c.correlation); });
  *launched_by = std::move(launches);
  launches.clear();
  std::stable_sort(launched_by->begin(), launched_by->end(), [](const TracedCall& a, const TracedCall& b) { return a.start_ns < b.start_ns; });
  std::stable_sort(out->begin(), out->end(), [](const TracedKernel& a, const TracedKernel& b) { return a.start_ns < b.start_ns; });
  if (s.ok() && short_records > 0) s.error = "CUPTI: " + std::to_string(short_records) + " kernels without a duration";
  return s;
}

}  // namespace kernels::gpu
