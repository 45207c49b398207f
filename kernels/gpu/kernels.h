// All kernels of this folder, for whoever builds a backend of them.
#pragma once
#include "kernels/gpu/bmm.h"
#include "kernels/gpu/copies.h"
#include "kernels/gpu/experts.h"
#include "kernels/gpu/gemm.h"
#include "kernels/gpu/indexer.h"
#include "kernels/gpu/logits.h"
#include "kernels/gpu/mla.h"
#include "kernels/gpu/norms.h"
#include "kernels/gpu/quants.h"
#include "kernels/gpu/route.h"
#include "kernels/gpu/router.h"
#include "kernels/gpu/topk.h"
