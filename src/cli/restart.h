// Starting the program again with an environment that its libraries read before main.
#pragma once

namespace genvid::cli {

// Threads of the tensor library that wait for work shall sleep, not spin: spinning doubles the CPU
// time of a small clip, and where others use the machine too, the spinning thread holds the core
// that the one it waits for needs. The OpenMP runtime reads this once, before main, since FFmpeg
// links it as well. A user's own OMP_WAIT_POLICY wins; where starting again is not possible,
// nothing happens. To be called by commands that compute, once usage is checked and before standard
// input is read or anything is written.
void restart_with_sleeping_threads();

}  // namespace genvid::cli
