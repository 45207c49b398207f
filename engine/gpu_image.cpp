#include "engine/gpu_image.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <stdexcept>

namespace engine {

using kernels::gpu::Device;
using trace::Error;
using trace::Result;

namespace {

std::map<const void*, std::weak_ptr<Image>>& images() {
  static std::map<const void*, std::weak_ptr<Image>> all;
  return all;
}
std::mutex& images_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

Result<std::shared_ptr<Image>> Image::of(Device& device, const void* host, int64_t bytes, const std::string& what,
                                         const Make& make) {
  const std::lock_guard lock(images_mutex());
  if (auto known = images()[host].lock(); known && known->m_bytes == bytes && &known->m_device == &device) return known;
  std::shared_ptr<Image> image(new Image(device, host, bytes));
  kernels::Status s = device.allocate(std::max<int64_t>(bytes, 256), &image->m_memory);
  if (s.ok() && make) {
    try {
      make(image->device());
    } catch (const std::runtime_error& e) {
      s.error = e.what();
    }
  } else if (s.ok()) {
    s = device.upload(image->m_memory, host, bytes);
  }
  if (!s.ok()) return Error{what + ": " + s.error, "device memory"};
  images()[host] = image;
  return image;
}

int64_t Image::held() {
  const std::lock_guard lock(images_mutex());
  int64_t bytes = 0;
  for (const auto& [host, image] : images()) {
    if (const auto alive = image.lock(); alive && !alive->m_device.lost()) bytes += alive->m_bytes;
  }
  return bytes;
}

void Image::to_host(const void* host) {
  std::shared_ptr<Image> image;
  {
    const std::lock_guard lock(images_mutex());
    const auto found = images().find(host);
    if (found != images().end()) image = found->second.lock();
  }
  if (!image || !image->host_stale) return;
  const kernels::Status s = image->m_device.download(const_cast<void*>(host), image->device(), image->m_bytes);
  if (!s.ok()) throw std::runtime_error(s.error + ", reading device memory");
  image->host_stale = false;
}

Image::~Image() {
  if (m_memory) m_device.release(m_memory);
}

Scratch::Scratch(Device& device, int64_t bytes, const std::string& what) : m_device(device), m_bytes(bytes) {
  if (const kernels::Status s = device.allocate(bytes, &m_memory); !s.ok()) throw std::runtime_error(s.error + ", " + what);
}

}  // namespace engine
