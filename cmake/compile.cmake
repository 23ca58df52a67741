# What every target of the project is compiled with.
add_library(mailorigin_compile INTERFACE)
target_compile_options(mailorigin_compile INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough
  -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # A STB_GNU_UNIQUE symbol would keep a module mapped across httpd's reload.
  target_compile_options(mailorigin_compile INTERFACE -fno-gnu-unique)
  if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # Wrong about std::string at -O3: GCC bug 105651.
    target_compile_options(mailorigin_compile INTERFACE -Wno-restrict)
  endif()
endif()
if(CMAKE_BUILD_TYPE MATCHES "Rel" AND NOT MAILORIGIN_SANITIZE)
  target_compile_definitions(mailorigin_compile INTERFACE _FORTIFY_SOURCE=2)
endif()
target_link_options(mailorigin_compile INTERFACE -Wl,-z,relro,-z,now)
if(MAILORIGIN_SANITIZE)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "MAILORIGIN_SANITIZE is clang's: the fuzz targets are part of that build")
  endif()
  # fuzzer-no-link costs the other tests little, and the fuzz targets no build of their own.
  target_compile_options(mailorigin_compile INTERFACE
    -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # It looks at an object through a pipe, and is wrong where a test leaves no descriptor.
  target_compile_options(mailorigin_compile INTERFACE -fno-sanitize=vptr)
  target_link_options(mailorigin_compile INTERFACE -fsanitize=address,undefined)
  # As g++ says it.
  target_compile_definitions(mailorigin_compile INTERFACE __SANITIZE_ADDRESS__)
endif()

# mailorigin_tidy(target): .clang-tidy's checks are part of compiling it with clang.
if(MAILORIGIN_SANITIZE)
  find_program(MAILORIGIN_CLANG_TIDY NAMES clang-tidy clang-tidy-14)
endif()
function(mailorigin_tidy target)
  if(MAILORIGIN_CLANG_TIDY)
    set_target_properties(${target} PROPERTIES CXX_CLANG_TIDY "${MAILORIGIN_CLANG_TIDY};--quiet")
  endif()
endfunction()

# mailorigin_part(target): the target belongs to the folder whose CMakeLists.txt says this. It can include
# that folder's headers (as "folder/header.h"), and so can what links it; what does not, cannot.
function(mailorigin_part target)
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  # A directory that has nothing but the way to this one folder.
  string(REPLACE "/" "-" name ${folder})
  set(directory ${PROJECT_BINARY_DIR}/include/${name})
  get_filename_component(above ${folder} DIRECTORY)
  file(MAKE_DIRECTORY ${directory}/${above})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${directory}/${folder} SYMBOLIC)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "INTERFACE_LIBRARY")
    target_include_directories(${target} INTERFACE ${directory})
  else()
    target_include_directories(${target} PUBLIC ${directory})
  endif()
endfunction()

# add_mailorigin_library(name sources...): a library of the part whose CMakeLists.txt says this.
function(add_mailorigin_library name)
  add_library(${name} STATIC ${ARGN})
  mailorigin_part(${name})
  target_link_libraries(${name} PUBLIC mailorigin_compile)
  mailorigin_tidy(${name})
endfunction()
