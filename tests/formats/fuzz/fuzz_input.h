// The bytes of a fuzzer as a file in memory: readers take paths, and SQLite real ones.
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace fuzz {

class InputFile {
 public:
  InputFile() : m_path("/dev/shm/decodescope-fuzz-XXXXXX") {
    m_file = ::mkstemp(m_path.data());
    if (m_file < 0) std::abort();
  }
  ~InputFile() { ::unlink(m_path.c_str()); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  // With FUZZ_SQLITE set the file begins as SQLite's do: few mutations of the first bytes would teach anything.
  const std::string& hold(const uint8_t* data, size_t size) {
    constexpr std::string_view kMagic("SQLite format 3\0", 16);
    static const bool sqlite = std::getenv("FUZZ_SQLITE") != nullptr;
    write(0, data, size);
    if (sqlite && size >= 100) write(0, reinterpret_cast<const uint8_t*>(kMagic.data()), kMagic.size());
    if (::ftruncate(m_file, static_cast<off_t>(size)) != 0) std::abort();
    return m_path;
  }

 private:
  void write(off_t at, const uint8_t* data, size_t size) {
    if (size > 0 && ::pwrite(m_file, data, size, at) != static_cast<ssize_t>(size)) std::abort();
  }
  std::string m_path;
  int m_file = -1;
};

inline const std::string& file_of(const uint8_t* data, size_t size) {
  static InputFile file;
  return file.hold(data, size);
}

}  // namespace fuzz
