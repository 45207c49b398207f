// Memory on a device: images of the host's blocks, and blocks without content of their own.
// Thread rule: images may be made and asked for by any thread; a device's calls are one thread's at a time.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/gpu_device.h"

namespace engine {

// A block of host memory and its copy on the device. Freed with its last user.
class Image {
 public:
  // Filled by `make` (which throws std::runtime_error), else with the host's bytes.
  using Make = std::function<void(uint8_t* device)>;
  static trace::Result<std::shared_ptr<Image>> of(kernels::gpu::Device&, const void* host, int64_t bytes,
                                                  const std::string& what, const Make& make = {});
  // Bytes that all images of this process hold on its devices.
  static int64_t held();
  // Makes sure that the host has what the device wrote: of the image at this host address, if there is one.
  // Throws std::runtime_error.
  static void to_host(const void* host);

  ~Image();
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  const void* host() const { return m_host; }
  int64_t bytes() const { return m_bytes; }
  bool host_stale = false;    // the device has written what the host has not seen
  std::vector<uint8_t> last;  // what was copied there last, of a block that changes between steps

  uint8_t* device() const { return static_cast<uint8_t*>(m_memory); }

 private:
  Image(kernels::gpu::Device& d, const void* host, int64_t bytes) : m_device(d), m_host(host), m_bytes(bytes) {}
  kernels::gpu::Device& m_device;
  const void* m_host;
  int64_t m_bytes;
  void* m_memory = nullptr;
};

// Device memory without content of its own.
class Scratch {
 public:
  // Throws std::runtime_error when it can't be had.
  Scratch(kernels::gpu::Device&, int64_t bytes, const std::string& what);
  ~Scratch() { m_device.release(m_memory); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  uint8_t* data() const { return static_cast<uint8_t*>(m_memory); }
  int64_t bytes() const { return m_bytes; }

 private:
  kernels::gpu::Device& m_device;
  void* m_memory = nullptr;
  const int64_t m_bytes;
};

}  // namespace engine
