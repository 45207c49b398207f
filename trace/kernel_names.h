// Kernel names short enough for a sentence.
#pragma once
#include <string_view>

namespace trace {

// The function's own name without return type, namespaces, template and call arguments; mangled names (_ZN...) too.
// "void at::native::(anonymous namespace)::CatArrayBatchedCopy<float, 4>(float*)" -> "CatArrayBatchedCopy";
// "Memcpy DtoD (Device -> Device)" -> itself. A view into the argument.
std::string_view bare_kernel_name(std::string_view name);

}  // namespace trace
