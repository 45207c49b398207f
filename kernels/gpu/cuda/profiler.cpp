#include "kernels/gpu/cuda/profiler.h"

#include <cupti.h>
#include <dlfcn.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>

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
  decltype(&cuptiActivityRegisterTimestampCallback) clock;  // may be missing
};

Calls calls;
std::mutex records_mutex;
std::vector<TracedKernel> records;
int64_t short_records = 0;

template <clockid_t clock>
int64_t now() {
  timespec t{};
  clock_gettime(clock, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}
uint64_t CUPTIAPI raw_clock() {
  return static_cast<uint64_t>(now<CLOCK_MONOTONIC_RAW>());
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
    const bool raw = calls.clock && calls.clock(raw_clock) == CUPTI_SUCCESS;  // before any kind is enabled
    if (const Status s = status_of(calls.callbacks(give_buffer, take_buffer), "registering"); !s.ok()) {
      missing = s.error;
      return nullptr;
    }
    static Cupti cupti;
    cupti.m_version = "CUPTI " + std::to_string(version);
    cupti.m_clock = raw ? now<CLOCK_MONOTONIC_RAW> : now<CLOCK_REALTIME>;
    return &cupti;
  }();
  if (!loaded) *why = missing;
  return loaded;
}

Status Cupti::begin() {
  {
    const std::lock_guard lock(records_mutex);
    records.clear();
    short_records = 0;
  }
  return status_of(calls.enable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL), "beginning");
}

Status Cupti::end(std::vector<TracedKernel>* out) {
  Status s = status_of(calls.flush(1), "flushing");
  if (s.ok()) s = status_of(calls.disable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL), "ending");
  const std::lock_guard lock(records_mutex);
  *out = std::move(records);
  records.clear();
  std::stable_sort(out->begin(), out->end(), [](const TracedKernel& a, const TracedKernel& b) { return a.start_ns < b.start_ns; });
  if (s.ok() && short_records > 0) s.error = "CUPTI: " + std::to_string(short_records) + " kernels without a duration";
  return s;
}

}  // namespace kernels::gpu
