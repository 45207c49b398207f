// What is used of rocprofiler-sdk's C interface, major version 1, as its public headers lay it out.
#pragma once
#include <cstddef>
#include <cstdint>

namespace kernels::gpu::rocprofiler {

inline constexpr int kSuccess = 0;
inline constexpr uint32_t kTracingCategory = 1;  // of a buffer's records
inline constexpr int kLossless = 2;              // buffer policy: block when full
inline constexpr uint32_t kEnter = 1, kExit = 2;  // phases of a callback; loading is an entering

struct Id {
  uint64_t handle = 0;
};

struct RecordHeader {
  uint32_t category, kind;
  void* payload;
};

struct DispatchInfo {
  uint64_t size, agent, queue, kernel, dispatch;
  uint32_t private_bytes, group_bytes, workgroup[3], grid[3];
  uint8_t reserved[56];
};
struct KernelRecord {
  uint64_t size;
  uint32_t kind, operation;
  uint64_t correlation, external;
  uint64_t thread;
  uint64_t start_ns, end_ns;
  DispatchInfo dispatch;
};
static_assert(sizeof(DispatchInfo) == 128 && sizeof(KernelRecord) == 184);
static_assert(offsetof(KernelRecord, start_ns) == 40 && offsetof(KernelRecord, dispatch) == 56);
// What must be there of a record: up to the dispatch id.
inline constexpr uint64_t kLeastRecord = offsetof(KernelRecord, dispatch) + offsetof(DispatchInfo, private_bytes);

// Of a HIP call. With the ancestor that 1.0 brought the times stand eight bytes further back: the size tells.
struct ApiRecord {
  uint64_t size;
  uint32_t kind, operation;
  uint64_t correlation, external;
  uint64_t rest[4];  // start, end, thread; or ancestor, start, end, thread
};
inline constexpr uint64_t kOldApiRecord = offsetof(ApiRecord, rest) + 24, kApiRecord = offsetof(ApiRecord, rest) + 32;
static_assert(kOldApiRecord == 56 && kApiRecord == 64);

struct KernelSymbol {
  uint64_t size, kernel, code_object;
  const char* name;
};
struct StreamData {
  uint64_t size, stream, value;
};

// A callback's record travels by value. Before 1.0 it had no ancestor: then kind and operation stand in its place, and
// the eight bytes behind are the caller's stack.
struct CallbackRecord {
  uint64_t context, thread, correlation, external, ancestor;
  uint32_t kind, operation, phase;
  void* payload;
};
static_assert(sizeof(CallbackRecord) == 64 && offsetof(CallbackRecord, kind) == 40 && offsetof(CallbackRecord, payload) == 56);
struct OldCallbackRecord {
  uint64_t context, thread, correlation, external;
  uint32_t kind, operation, phase;
  void* payload;
};
static_assert(sizeof(OldCallbackRecord) == 56);

using BufferCallback = void (*)(Id context, Id buffer, RecordHeader** records, size_t count, void* data, uint64_t dropped);
using Callback = void (*)(CallbackRecord, void* user_data, void* data);

struct ClientId {
  const char* name;
  uint32_t handle;
};
struct Tool {
  size_t size;
  int (*initialize)(void* finalize, void* data);
  void (*finalize)(void* data);
  void* data;
};
using Configure = Tool* (*)(uint32_t version, const char* text, uint32_t priority, ClientId*);

struct Calls {
  int (*get_version)(uint32_t*, uint32_t*, uint32_t*);
  int (*force_configure)(Configure);
  int (*create_context)(Id*);
  int (*start_context)(Id);
  int (*stop_context)(Id);
  int (*create_buffer)(Id context, size_t bytes, size_t watermark, int policy, BufferCallback, void* data, Id* out);
  int (*flush_buffer)(Id);
  int (*trace_into_buffer)(Id context, uint32_t kind, const int32_t* operations, size_t count, Id buffer);
  int (*trace_by_callback)(Id context, uint32_t kind, const int32_t* operations, size_t count, Callback, void* data);
  int (*callback_kind_name)(uint32_t kind, const char** name, uint64_t* length);
  int (*callback_operation_name)(uint32_t kind, int32_t operation, const char** name, uint64_t* length);
  int (*buffer_kind_name)(uint32_t kind, const char** name, uint64_t* length);
  int (*buffer_operation_name)(uint32_t kind, int32_t operation, const char** name, uint64_t* length);  // may be missing
  int (*push_external)(Id context, uint64_t thread, uint64_t value);
  int (*pop_external)(Id context, uint64_t thread, uint64_t* value);
};

}  // namespace kernels::gpu::rocprofiler
