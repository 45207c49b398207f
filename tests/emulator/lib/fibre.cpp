#include "tests/emulator/lib/fibre.h"

#if defined(__x86_64__)

// simt_switch(save, load): pushes what a callee keeps, swaps stacks, pops.
// simt_boot: first frame of a fibre; entry waits in rbx, its argument in r12.
asm(R"(
.text
.p2align 4
.globl simt_switch
.type simt_switch, @function
simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size simt_switch, .-simt_switch
.p2align 4
.type simt_boot, @function
simt_boot:
  movq %r12, %rdi
  callq *%rbx
  ud2
.size simt_boot, .-simt_boot
.globl simt_boot
)");
extern "C" void simt_switch(void** save, void* load);
extern "C" void simt_boot();

namespace simt {

void Fibre::start(Entry entry, void* argument) {
  if (!m_stack) m_stack = std::make_unique<uint8_t[]>(kStack);
  const auto top = (reinterpret_cast<uintptr_t>(m_stack.get()) + kStack) / 16 * 16;
  auto* frame = reinterpret_cast<void**>(top) - 9;  // so that simt_boot calls with an aligned stack
  void* const words[7] = {nullptr, nullptr, nullptr, argument, reinterpret_cast<void*>(entry), nullptr,
                          reinterpret_cast<void*>(&simt_boot)};  // r15 r14 r13 r12 rbx rbp, return
  std::memcpy(frame, words, sizeof words);
  m_here = frame;
}

void Fibre::enter() {
  simt_switch(&m_caller, m_here);
}

void Fibre::leave() {
  simt_switch(&m_here, m_caller);
}

}  // namespace simt

#else

namespace simt {
namespace {

void boot(unsigned entry_high, unsigned entry_low, unsigned argument_high, unsigned argument_low) {
  const auto join = [](unsigned high, unsigned low) { return uint64_t{high} << 32 | low; };
  const auto entry = reinterpret_cast<Fibre::Entry>(join(entry_high, entry_low));
  entry(reinterpret_cast<void*>(join(argument_high, argument_low)));
}

}  // namespace

void Fibre::start(Entry entry, void* argument) {
  if (!m_stack) m_stack = std::make_unique<uint8_t[]>(kStack);
  getcontext(&m_here);
  m_here.uc_stack.ss_sp = m_stack.get();
  m_here.uc_stack.ss_size = kStack;
  m_here.uc_link = nullptr;
  const auto e = reinterpret_cast<uint64_t>(entry), a = reinterpret_cast<uint64_t>(argument);
  makecontext(&m_here, reinterpret_cast<void (*)()>(&boot), 4, static_cast<unsigned>(e >> 32),
              static_cast<unsigned>(e), static_cast<unsigned>(a >> 32), static_cast<unsigned>(a));
}

void Fibre::enter() {
  swapcontext(&m_caller, &m_here);
}

void Fibre::leave() {
  swapcontext(&m_here, &m_caller);
}

}  // namespace simt

#endif
