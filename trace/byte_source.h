// The bytes of a trace file, decompressed as they are read (gzip, also of several members; zstd),
// so that the whole is never in memory. By content, not by the file's name. Thread rule: one reader
// at a time.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "trace/result.h"

namespace trace {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Fills `into` as far as there are bytes: fewer only at the end, after which every call gives 0.
  virtual size_t read(std::span<char> into) = 0;

  // Why the bytes ended before the file's own end mark ("gzip data ends early"), with the place in
  // the file; empty when all is well. What was whole before has been given out.
  const std::string& problem() const { return m_problem; }
  // Bytes that a full read will give, as far as the file says; 0 = unknown.
  int64_t total_bytes() const { return m_total; }
  std::string_view compression() const { return m_compression; }  // "gzip", "zstd" or empty

  // error: there is no such file, it is a folder or no plain file, may not be read, or is empty.
  static Result<std::unique_ptr<ByteSource>> open(const std::string& path);

 protected:
  std::string m_problem;
  int64_t m_total = 0;
  std::string_view m_compression;
};

}  // namespace trace
