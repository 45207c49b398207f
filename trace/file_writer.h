// Writes a file next to its name and moves it there when it is whole: whoever reads it never sees half of one.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "trace/result.h"

namespace trace {

// `make` gets a function that takes the parts in order. error: the file cannot be written, with the reason.
Status write_file_whole(const std::string& path, const std::function<void(const std::function<void(std::string_view)>&)>& make);

}  // namespace trace
