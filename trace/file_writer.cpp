#include "trace/file_writer.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace trace {

Status write_file_whole(const std::string& path, const std::function<void(const std::function<void(std::string_view)>&)>& make) {
  const std::string unfinished = path + ".part";
  std::FILE* file = std::fopen(unfinished.c_str(), "wb");
  int reason = file ? 0 : errno;
  if (file) {
    make([&](std::string_view text) {
      if (reason == 0 && std::fwrite(text.data(), 1, text.size(), file) != text.size()) reason = errno ? errno : EIO;
    });
    if (std::fclose(file) != 0 && reason == 0) reason = errno;
    if (reason == 0 && std::rename(unfinished.c_str(), path.c_str()) != 0) reason = errno;
  }
  if (reason == 0) return Ok{};
  std::remove(unfinished.c_str());
  return Error{std::string("cannot write: ") + std::strerror(reason), path};
}

}  // namespace trace
