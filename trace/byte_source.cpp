#include "trace/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace trace {
namespace {

constexpr size_t kBlockBytes = 256 << 10;  // of compressed input

class File {
 public:
  explicit File(int descriptor) : m_descriptor(descriptor) {}
  ~File() { ::close(m_descriptor); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Fewer bytes only at the end or after an error, which errno tells.
  size_t read(std::span<char> into, bool& failed) {
    size_t got = 0;
    while (got < into.size()) {
      const ssize_t n = ::read(m_descriptor, into.data() + got, into.size() - got);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) failed = true;
      if (n <= 0) break;
      got += static_cast<size_t>(n);
    }
    m_offset += static_cast<int64_t>(got);
    return got;
  }
  int64_t offset() const { return m_offset; }

 private:
  int m_descriptor;
  int64_t m_offset = 0;
};

class PlainSource final : public ByteSource {
 public:
  PlainSource(int descriptor, int64_t bytes) : m_file(descriptor) { m_total = bytes; }
  size_t read(std::span<char> into) override {
    bool failed = false;
    const size_t got = m_file.read(into, failed);
    if (failed)
      m_problem = std::string("reading failed (") + std::strerror(errno) + ") at byte " +
                  std::to_string(m_file.offset());
    return got;
  }

 private:
  File m_file;
};

// What gzip and zstd share: blocks of compressed input, and the words for what went wrong.
class PackedSource : public ByteSource {
 protected:
  explicit PackedSource(int descriptor) : m_file(descriptor), m_block(kBlockBytes) {}

  // The next block; empty at the end of the file.
  std::span<char> next_block() {
    bool failed = false;
    const size_t got = m_file.read(m_block, failed);
    if (failed)
      m_problem = std::string("reading failed (") + std::strerror(errno) + ") at byte " +
                  std::to_string(m_file.offset());
    return std::span(m_block).first(got);
  }

  void ends_early(std::string_view format) {
    if (m_problem.empty())
      m_problem = std::string(format) + " data ends early, at byte " +
                  std::to_string(m_file.offset()) + " of the file";
  }
  void is_damaged(std::string_view format, size_t unused) {
    m_problem = std::string(format) + " data is damaged, at byte " +
                std::to_string(m_file.offset() - static_cast<int64_t>(unused)) + " of the file";
  }

 private:
  File m_file;
  std::vector<char> m_block;
};

class GzipSource final : public PackedSource {
 public:
  GzipSource(int descriptor, int64_t total) : PackedSource(descriptor) {
    m_total = total;
    m_compression = "gzip";
    m_open = inflateInit2(&m_stream, 15 + 16) == Z_OK;  // 16: a gzip header is asked for
  }
  ~GzipSource() override {
    if (m_open) inflateEnd(&m_stream);
  }

  size_t read(std::span<char> into) override {
    m_stream.next_out = reinterpret_cast<Bytef*>(into.data());
    m_stream.avail_out = static_cast<uInt>(into.size());
    while (m_open && !m_ended && m_stream.avail_out > 0) step();
    return into.size() - m_stream.avail_out;
  }

 private:
  void step() {
    if (m_stream.avail_in == 0) {
      const auto block = next_block();
      m_stream.next_in = reinterpret_cast<Bytef*>(block.data());
      m_stream.avail_in = static_cast<uInt>(block.size());
      if (block.empty()) {
        if (!m_between) ends_early("gzip");
        m_ended = true;
        return;
      }
    }
    // Zeros or other bytes after the last member are padding, as gzip itself takes them.
    if (m_between && *m_stream.next_in != 0x1f) {
      m_ended = true;
      return;
    }
    const int code = inflate(&m_stream, Z_NO_FLUSH);
    m_between = code == Z_STREAM_END;
    if (m_between) {
      inflateReset(&m_stream);
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      is_damaged("gzip", m_stream.avail_in);
      m_ended = true;
    }
  }

  z_stream m_stream{};
  bool m_open = false, m_ended = false;
  bool m_between = false;  // two members, or after the last
};

class ZstdSource final : public PackedSource {
 public:
  ZstdSource(int descriptor, int64_t total)
      : PackedSource(descriptor), m_stream(ZSTD_createDStream()) {
    m_total = total;
    m_compression = "zstd";
  }
  ~ZstdSource() override { ZSTD_freeDStream(m_stream); }

  size_t read(std::span<char> into) override {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (m_stream && !m_ended && out.pos < out.size) {
      if (m_in.pos == m_in.size) {
        const auto block = next_block();
        m_in = {block.data(), block.size(), 0};
        if (block.empty()) {
          if (m_hint != 0) ends_early("zstd");
          m_ended = true;
          break;
        }
      }
      m_hint = ZSTD_decompressStream(m_stream, &out, &m_in);
      if (ZSTD_isError(m_hint)) {
        is_damaged("zstd", m_in.size - m_in.pos);
        m_ended = true;
      }
    }
    return out.pos;
  }

 private:
  ZSTD_DStream* m_stream;
  ZSTD_inBuffer m_in{};
  size_t m_hint = 1;  // 0 = at the end of a frame
  bool m_ended = false;
};

// gzip ends with the size of its (last) member modulo 2^32: good enough for a progress bar.
int64_t gzip_total(int descriptor, int64_t file_bytes) {
  unsigned char tail[4];
  if (file_bytes < 18 || ::pread(descriptor, tail, 4, file_bytes - 4) != 4) return 0;
  int64_t total = tail[0] | tail[1] << 8 | tail[2] << 16 | static_cast<int64_t>(tail[3]) << 24;
  if (total < file_bytes / 2) total += int64_t{1} << 32;  // it wrapped
  return total;
}

int64_t zstd_total(std::span<const unsigned char> head) {
  const unsigned long long bytes = ZSTD_getFrameContentSize(head.data(), head.size());
  return bytes == ZSTD_CONTENTSIZE_UNKNOWN || bytes == ZSTD_CONTENTSIZE_ERROR
             ? 0
             : static_cast<int64_t>(bytes);
}

}  // namespace

Result<std::unique_ptr<ByteSource>> ByteSource::open(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return Error{std::strerror(errno), path};
  if (S_ISDIR(info.st_mode)) return Error{"this is a folder, not a trace file", path};
  if (!S_ISREG(info.st_mode)) return Error{"this is no plain file", path};
  if (info.st_size == 0) return Error{"the file is empty", path};
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return Error{std::string("cannot be read: ") + std::strerror(errno), path};
  unsigned char head[18] = {};
  const ssize_t got = ::pread(descriptor, head, sizeof head, 0);
  if (got < 0) {
    const std::string reason = std::strerror(errno);
    ::close(descriptor);
    return Error{"cannot be read: " + reason, path};
  }
  std::unique_ptr<ByteSource> source;
  constexpr unsigned char kZstd[] = {0x28, 0xb5, 0x2f, 0xfd};
  if (head[0] == 0x1f && head[1] == 0x8b)
    source = std::make_unique<GzipSource>(descriptor, gzip_total(descriptor, info.st_size));
  else if (std::equal(std::begin(kZstd), std::end(kZstd), head))
    source = std::make_unique<ZstdSource>(
        descriptor, zstd_total(std::span(head).first(static_cast<size_t>(got))));
  else
    source = std::make_unique<PlainSource>(descriptor, info.st_size);
  return source;
}

}  // namespace trace
