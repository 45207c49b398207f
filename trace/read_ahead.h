// Reads a ByteSource from a thread of its own, a few blocks ahead: decompressing takes about as
// long as parsing, and the two can go side by side. Thread rule: the inner source belongs to the
// thread; read() and problem() are for one reader.
#pragma once
#include <memory>

#include "trace/byte_source.h"

namespace trace {

std::unique_ptr<ByteSource> read_ahead(std::unique_ptr<ByteSource>);

}  // namespace trace
