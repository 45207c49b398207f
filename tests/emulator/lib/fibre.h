// Fibres with the smallest switch there is: callee-saved registers and the stack pointer. x86-64 by hand,
// elsewhere ucontext. A fibre that is started again forgets where it was.
#pragma once
#include <cstdint>
#include <cstring>
#include <memory>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace simt {

class Fibre {
 public:
  using Entry = void (*)(void*);
  void start(Entry entry, void* argument);  // ready to be entered
  void enter();                             // runs it until it leaves
  void leave();                             // called on the fibre: back to who entered

 private:
  static constexpr size_t kStack = 128 * 1024;
  std::unique_ptr<uint8_t[]> m_stack;
#if defined(__x86_64__)
  void *m_here = nullptr, *m_caller = nullptr;
#else
  ucontext_t m_here, m_caller;
#endif
};

}  // namespace simt
