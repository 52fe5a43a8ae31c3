#include "cli/commands.h"

int main(int argc, char** argv) { return genvid::cli::run(argc, argv); }
