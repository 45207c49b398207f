// Requests and replies as one JSON object a line, the form in which they travel over stdin and stdout: member "type"
// says which, the others are its fields. A peer may be of another version: unknown members are ignored, and Hello
// and Welcome carry kProtocol so that the host can refuse. Reading what was written gives the same message exactly,
// traces included. Pure functions, any thread.
#pragma once
#include <string>
#include <string_view>

#include "trace/messages.h"
#include "trace/result.h"

namespace trace {

// Without the newline; none is inside.
std::string write_message(const Request&);
std::string write_message(const Reply&);

// error: not JSON, no type, an unknown type (names those known), a field that is wrong (names it).
Result<Request> read_request(std::string_view line);
Result<Reply> read_reply(std::string_view line);

}  // namespace trace
