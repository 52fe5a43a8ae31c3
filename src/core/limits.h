// Every limit on untrusted input, in one place.
#pragma once

#include <cstdint>

namespace genvid::limits {

inline constexpr uint64_t kSafetensorsHeaderBytes = 100'000'000;
inline constexpr uint64_t kTensors = 65'536;
inline constexpr uint64_t kTensorRank = 8;
inline constexpr int64_t kTensorDim = int64_t{1} << 40;
inline constexpr uint64_t kTensorNameBytes = 512;
inline constexpr uint64_t kConfigBytes = 16'000'000;
inline constexpr uint64_t kJobFileBytes = 256'000'000;
inline constexpr int kJsonDepth = 64;
inline constexpr uint64_t kPromptBytes = 65'536;
inline constexpr int kMinSide = 16;
inline constexpr int kMaxSide = 8'192;
inline constexpr int64_t kMaxFrames = 100'000;
inline constexpr double kMaxFps = 240.0;
inline constexpr int kMaxSteps = 1'000;
inline constexpr int kMaxCandidates = 64;
inline constexpr uint64_t kTokenizerBytes = 64'000'000;
inline constexpr uint64_t kTokenizerPieces = 1'000'000;
inline constexpr uint64_t kTokenizerPieceBytes = 1'024;
inline constexpr uint64_t kTokenizerTrieBytes = 4'194'304;
inline constexpr uint64_t kTokenizerReplacementBytes = 128;  // the longest of NFKC is 33
inline constexpr uint64_t kTokenizerSpecials = 10'000;
inline constexpr uint64_t kPathBytes = 4'096;
inline constexpr uint64_t kSidecarBytes = 16'000'000;
inline constexpr uint64_t kHistoryLineBytes = 4'000'000;

}  // namespace genvid::limits
