#include "trace/columns.h"

#include <zstd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "trace/json_fields.h"

namespace trace {
namespace {

constexpr size_t kLongestVarint = 10;                  // bytes of a 64-bit number, 7 bits each
constexpr size_t kMaxTextBytes = size_t{1} << 30;

std::string pack(const std::string& bytes) {
  constexpr int kLevel = 3;
  std::string packed(ZSTD_compressBound(bytes.size()), 0);
  const size_t size = ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), kLevel);
  assert(!ZSTD_isError(size) && "the bound was enough");
  packed.resize(size);
  return base64_encode(packed);
}

// At most `limit` bytes; nullopt for anything that is not one whole frame of a known size within it.
std::optional<std::string> unpack(const nlohmann::json& in, size_t limit) {
  if (!in.is_string()) return std::nullopt;
  const auto packed = base64_decode(in.get_ref<const std::string&>());
  if (!packed) return std::nullopt;
  const unsigned long long size = ZSTD_getFrameContentSize(packed->data(), packed->size());
  if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size > limit) return std::nullopt;
  std::string bytes(size, 0);
  if (ZSTD_decompress(bytes.data(), bytes.size(), packed->data(), packed->size()) != size) return std::nullopt;
  return bytes;
}

void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

bool take_varint(const std::string& in, size_t& at, uint64_t& value) {
  value = 0;
  for (size_t k = 0; k < kLongestVarint && at < in.size(); ++k) {
    const auto byte = static_cast<unsigned char>(in[at++]);
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * k);
    if (byte < 0x80) return k + 1 < kLongestVarint || byte <= 1;
  }
  return false;
}

// Small numbers of either sign become small unsigned ones.
uint64_t zigzag(uint64_t difference) { return difference << 1 ^ (difference >> 63 ? ~uint64_t{0} : 0); }
uint64_t unzigzag(uint64_t value) { return value >> 1 ^ (value & 1 ? ~uint64_t{0} : 0); }

Error not_a_column(size_t rows) { return {"not a column of " + std::to_string(rows) + " rows", ""}; }

}  // namespace

nlohmann::json encode_column(const std::vector<int64_t>& values) {
  if (values.empty()) return 0;
  if (std::all_of(values.begin(), values.end(), [&](int64_t v) { return v == values[0]; })) return values[0];
  std::string bytes;
  uint64_t previous = 0;
  for (const int64_t value : values) {
    put_varint(bytes, zigzag(static_cast<uint64_t>(value) - previous));
    previous = static_cast<uint64_t>(value);
  }
  return pack(bytes);
}

Result<std::vector<int64_t>> decode_column(const nlohmann::json& in, size_t rows) {
  if (in.is_number_integer()) {
    if (in.is_number_unsigned() && !std::in_range<int64_t>(in.get<uint64_t>())) return not_a_column(rows);
    return std::vector<int64_t>(rows, in.get<int64_t>());
  }
  const auto bytes = unpack(in, rows * kLongestVarint);
  if (!bytes || bytes->size() < rows) return not_a_column(rows);
  std::vector<int64_t> values(rows);
  size_t at = 0;
  uint64_t previous = 0;
  for (int64_t& value : values) {
    uint64_t difference = 0;
    if (!take_varint(*bytes, at, difference)) return not_a_column(rows);
    previous += unzigzag(difference);
    value = static_cast<int64_t>(previous);
  }
  if (at != bytes->size()) return not_a_column(rows);
  return values;
}

nlohmann::json encode_texts(const std::vector<std::string>& texts) {
  std::vector<int64_t> lengths;
  std::string bytes;
  for (const std::string& text : texts) {
    lengths.push_back(static_cast<int64_t>(text.size()));
    bytes += text;
  }
  return {{"lengths", encode_column(lengths)}, {"bytes", pack(bytes)}};
}

Result<std::vector<std::string>> decode_texts(const nlohmann::json& in, size_t rows) {
  if (!in.is_object() || !in.contains("lengths") || !in.contains("bytes"))
    return Error{"expected an object with lengths and bytes", ""};
  auto lengths = decode_column(in["lengths"], rows);
  if (!lengths) return lengths.error();
  const auto bytes = unpack(in["bytes"], kMaxTextBytes);
  if (!bytes) return Error{"bytes are damaged", ""};
  std::vector<std::string> texts;
  size_t at = 0;
  for (const int64_t length : *lengths) {
    if (length < 0 || static_cast<uint64_t>(length) > bytes->size() - at) return Error{"longer than their bytes", ""};
    texts.push_back(bytes->substr(at, static_cast<size_t>(length)));
    at += static_cast<size_t>(length);
  }
  if (at != bytes->size()) return Error{"shorter than their bytes", ""};
  return texts;
}

}  // namespace trace
