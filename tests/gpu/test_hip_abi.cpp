// Our own declarations of the HIP runtime against HIP's headers, where the machine has them: numbers, offsets, and the
// shape of every call. Nothing of HIP is linked.
#if __has_include(<hip/hip_runtime_api.h>)
#define __HIP_PLATFORM_AMD__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#include <hip/hip_runtime_api.h>
#pragma GCC diagnostic pop
#endif

#include <catch2/catch_test_macros.hpp>

#include "kernels/gpu/hip/library.h"

#if defined(HIP_INCLUDE_HIP_HIP_RUNTIME_API_H)

namespace {

using namespace kernels::gpu;

static_assert(hipErrorOutOfMemory == hip::kOutOfMemory && hipErrorNoDevice == hip::kNoDevice && hipErrorNotReady == hip::kNotReady);
static_assert(hipDeviceAttributeL2CacheSize == hip::kL2CacheSize && hipDeviceAttributeWarpSize == hip::kWarpSize);
static_assert(hipDeviceAttributeMultiprocessorCount == hip::kMultiprocessorCount);
static_assert(hipDeviceAttributeMaxSharedMemoryPerBlock == hip::kMaxSharedMemoryPerBlock);
static_assert(sizeof(hipDeviceProp_t) <= hip::kPropertiesBytes && offsetof(hipDeviceProp_t, gcnArchName) == hip::kArchOffset);
static_assert(sizeof(hipDeviceProp_t::gcnArchName) == hip::kArchBytes);
static_assert(hipMemcpyHostToDevice == RuntimeCalls::kToDevice && hipMemcpyDeviceToHost == RuntimeCalls::kToHost);
static_assert(hipStreamNonBlocking == RuntimeCalls::kNonBlocking && hipStreamCaptureModeThreadLocal == RuntimeCalls::kThreadLocal);

// Two parameters travel the same way: both pointers, or both numbers of one size and kind.
template <class Ours, class Theirs>
constexpr bool alike() {
  if constexpr (std::is_pointer_v<Ours> || std::is_pointer_v<Theirs>)
    return std::is_pointer_v<Ours> && std::is_pointer_v<Theirs>;
  else
    return sizeof(Ours) == sizeof(Theirs) && std::is_floating_point_v<Ours> == std::is_floating_point_v<Theirs>;
}
template <class Ours, class Theirs>
struct Same : std::false_type {};
template <class R, class... A, class S, class... B>
  requires(sizeof...(A) == sizeof...(B))
struct Same<R (*)(A...), S (*)(B...)> : std::bool_constant<alike<R, S>() && (alike<A, B>() && ...)> {};

#define THEIRS(ours, call) static_assert(Same<decltype(ours), decltype(&call)>::value)

THEIRS(RuntimeCalls::error_name, hipGetErrorName);
THEIRS(RuntimeCalls::error_text, hipGetErrorString);
THEIRS(RuntimeCalls::last_error, hipGetLastError);
THEIRS(RuntimeCalls::mem_info, hipMemGetInfo);
static_assert(Same<decltype(RuntimeCalls::allocate), hipError_t (*)(void**, size_t)>::value);  // hipMalloc has overloads
THEIRS(RuntimeCalls::release, hipFree);
THEIRS(RuntimeCalls::copy, hipMemcpyAsync);
THEIRS(RuntimeCalls::set, hipMemsetAsync);
THEIRS(RuntimeCalls::stream_create, hipStreamCreateWithFlags);
THEIRS(RuntimeCalls::stream_destroy, hipStreamDestroy);
THEIRS(RuntimeCalls::stream_synchronize, hipStreamSynchronize);
THEIRS(RuntimeCalls::stream_wait, hipStreamWaitEvent);
THEIRS(RuntimeCalls::event_create, hipEventCreate);
THEIRS(RuntimeCalls::event_destroy, hipEventDestroy);
THEIRS(RuntimeCalls::event_record, hipEventRecord);
THEIRS(RuntimeCalls::event_elapsed, hipEventElapsedTime);
THEIRS(RuntimeCalls::capture_begin, hipStreamBeginCapture);
THEIRS(RuntimeCalls::capture_end, hipStreamEndCapture);
THEIRS(RuntimeCalls::graph_instantiate, hipGraphInstantiateWithFlags);
THEIRS(RuntimeCalls::graph_destroy, hipGraphDestroy);
THEIRS(RuntimeCalls::graph_exec_destroy, hipGraphExecDestroy);
THEIRS(RuntimeCalls::graph_launch, hipGraphLaunch);
THEIRS(HipLibrary::device_count, hipGetDeviceCount);
THEIRS(HipLibrary::set_device, hipSetDevice);
THEIRS(HipLibrary::device_name, hipDeviceGetName);
THEIRS(HipLibrary::device_memory, hipDeviceTotalMem);
THEIRS(HipLibrary::attribute, hipDeviceGetAttribute);
THEIRS(HipLibrary::driver_version, hipDriverGetVersion);
THEIRS(HipLibrary::runtime_version, hipRuntimeGetVersion);
THEIRS(HipLibrary::pci_address, hipDeviceGetPCIBusId);
THEIRS(HipLibrary::module_load, hipModuleLoadData);
THEIRS(HipLibrary::module_unload, hipModuleUnload);
THEIRS(HipLibrary::module_function, hipModuleGetFunction);

}  // namespace

TEST_CASE("HIP is declared as its headers declare it") {
  SUCCEED("HIP " << HIP_VERSION_MAJOR << "." << HIP_VERSION_MINOR << ": held when this file was compiled");
}

#else

TEST_CASE("HIP is declared as its headers declare it") {
  SKIP("no HIP headers on this machine");
}

#endif
