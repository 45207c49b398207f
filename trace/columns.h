// Columns of integers and tables of text as JSON values, small enough to send a trace with every message.
//
//   column   differences of consecutive values (modulo 2^64), zigzag, as variable-length bytes of 7 bits, zstd, base64;
//            a column in which every row is equal is that one number
//   text     {"lengths": column, "bytes": zstd, base64}
//
// Decoding trusts nothing: sizes are known before memory is taken. Pure functions, any thread.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "trace/result.h"

namespace trace {

nlohmann::json encode_column(const std::vector<int64_t>&);
// error: not a column, or not of so many rows.
Result<std::vector<int64_t>> decode_column(const nlohmann::json&, size_t rows);

nlohmann::json encode_texts(const std::vector<std::string>&);
Result<std::vector<std::string>> decode_texts(const nlohmann::json&, size_t rows);

}  // namespace trace
