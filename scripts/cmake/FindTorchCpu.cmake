# libtorch's CPU half: headers, libtorch_cpu and libc10. TorchConfig.cmake of a CUDA wheel fails
# without nvcc, and CUDA is a plug-in here that the engine loads at run time.
# Looks in TORCH_ROOT, Torch_DIR, CMAKE_PREFIX_PATH, then asks Python. Defines Torch::Cpu, TORCH_ROOT.
set(_hints "")
if(TORCH_ROOT)
  list(APPEND _hints ${TORCH_ROOT})
endif()
if(DEFINED ENV{TORCH_ROOT})
  list(APPEND _hints $ENV{TORCH_ROOT})
endif()
if(Torch_DIR)
  list(APPEND _hints ${Torch_DIR}/../../..)
endif()
if(DEFINED ENV{Torch_DIR})
  list(APPEND _hints $ENV{Torch_DIR}/../../..)
endif()
list(APPEND _hints ${CMAKE_PREFIX_PATH})

find_path(TORCH_INCLUDE_DIR ATen/core/Tensor.h HINTS ${_hints} PATH_SUFFIXES include NO_DEFAULT_PATH)
if(NOT TORCH_INCLUDE_DIR)
  find_program(_python NAMES python3)
  if(_python)
    execute_process(COMMAND ${_python} -c
      "import importlib.util as u; s=u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
      OUTPUT_VARIABLE _found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(_found)
      find_path(TORCH_INCLUDE_DIR ATen/core/Tensor.h HINTS ${_found}/include NO_DEFAULT_PATH)
    endif()
  endif()
endif()
if(TORCH_INCLUDE_DIR)
  get_filename_component(TORCH_ROOT ${TORCH_INCLUDE_DIR} DIRECTORY)
  find_library(TORCH_CPU_LIBRARY torch_cpu HINTS ${TORCH_ROOT}/lib NO_DEFAULT_PATH)
  find_library(TORCH_C10_LIBRARY c10 HINTS ${TORCH_ROOT}/lib NO_DEFAULT_PATH)
  set(_version_header ${TORCH_INCLUDE_DIR}/torch/headeronly/version.h)
  if(EXISTS ${_version_header})
    file(STRINGS ${_version_header} _version REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
    string(REGEX REPLACE ".*MAJOR ([0-9]+).*" "\\1" _major "${_version}")
    string(REGEX REPLACE ".*MINOR ([0-9]+).*" "\\1" _minor "${_version}")
    string(REGEX REPLACE ".*PATCH ([0-9]+).*" "\\1" _patch "${_version}")
    set(TorchCpu_VERSION ${_major}.${_minor}.${_patch})
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TorchCpu
  REQUIRED_VARS TORCH_INCLUDE_DIR TORCH_CPU_LIBRARY TORCH_C10_LIBRARY
  VERSION_VAR TorchCpu_VERSION
  REASON_FAILURE_MESSAGE "set TORCH_ROOT to a libtorch or Python torch folder, or run scripts/genvid")

if(TorchCpu_FOUND AND NOT TARGET Torch::Cpu)
  if(TorchCpu_VERSION AND TorchCpu_VERSION VERSION_LESS 2.10)
    message(FATAL_ERROR "torch ${TorchCpu_VERSION} is too old: 2.10 or newer (2.9 runs conv3d in "
                        "half precision without cuDNN, at 3 to 17 times the memory)")
  endif()
  add_library(Torch::C10 SHARED IMPORTED)
  set_target_properties(Torch::C10 PROPERTIES
    IMPORTED_LOCATION ${TORCH_C10_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES "${TORCH_INCLUDE_DIR}")
  # Per-operator headers: without it ATen/TensorOperators.h brings every operator of the library.
  add_library(Torch::Cpu SHARED IMPORTED)
  set_target_properties(Torch::Cpu PROPERTIES
    IMPORTED_LOCATION ${TORCH_CPU_LIBRARY}
    INTERFACE_COMPILE_DEFINITIONS AT_PER_OPERATOR_HEADERS
    INTERFACE_INCLUDE_DIRECTORIES "${TORCH_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES Torch::C10)
endif()
