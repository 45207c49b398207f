// simdjson without its asserts: they sit in the inner loop and halve its speed. Our own asserts
// stay on. Include this, never <simdjson.h>, so that all its inline functions are compiled alike.
#pragma once
#ifdef NDEBUG
#include <simdjson.h>
#else
#define NDEBUG
#include <simdjson.h>
#undef NDEBUG
#endif
#include <cassert>
