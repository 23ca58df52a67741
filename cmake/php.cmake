# The PHPs that the extension is built for, and modules for one of them.
#
# MAILORIGIN_PHP_CONFIGS names the php-config of each, as in
# "/usr/bin/php-config8.2;/usr/bin/php-config8.4"; unless it is given, it is php-config alone, the one
# that the administrator has chosen. MAILORIGIN_PHPS is then the list of their versions (8.2), and
# MAILORIGIN_PHP_CONFIG_8.2, MAILORIGIN_PHP_INCLUDES_8.2 and MAILORIGIN_PHP_EXTENSIONS_8.2 what belongs
# to one. The build's file `phps` has a line for each, "8.2 /usr/bin/php-config8.2". What the headers of one
# declare and those of another do not is tried, and told to fpm_plugin/php_api.h by MAILORIGIN_PHP_HAS_name.
include(CheckCXXSourceCompiles)
find_program(MAILORIGIN_DEFAULT_PHP_CONFIG NAMES php-config)
set(MAILORIGIN_PHP_CONFIGS "${MAILORIGIN_DEFAULT_PHP_CONFIG}" CACHE STRING
  "php-config of each PHP that the extension is built for")

# ask_php_config(variable php_config option)
function(ask_php_config variable php_config option)
  execute_process(COMMAND ${php_config} ${option}
    OUTPUT_VARIABLE said OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "MAILORIGIN_PHP_CONFIGS: '${php_config} ${option}' cannot be asked: ${result}")
  endif()
  set(${variable} "${said}" PARENT_SCOPE)
endfunction()

set(MAILORIGIN_PHPS "")
set(lines "")
foreach(php_config IN LISTS MAILORIGIN_PHP_CONFIGS)
  ask_php_config(version ${php_config} --version)
  string(REGEX MATCH "^[0-9]+\\.[0-9]+" version "${version}")
  if(version IN_LIST MAILORIGIN_PHPS)
    message(FATAL_ERROR "MAILORIGIN_PHP_CONFIGS: two of them are PHP ${version}")
  endif()
  list(APPEND MAILORIGIN_PHPS ${version})
  set(MAILORIGIN_PHP_CONFIG_${version} ${php_config})
  ask_php_config(MAILORIGIN_PHP_INCLUDES_${version} ${php_config} --include-dir)
  ask_php_config(MAILORIGIN_PHP_EXTENSIONS_${version} ${php_config} --extension-dir)
  string(APPEND lines "${version} ${php_config}\n")
  set(includes ${MAILORIGIN_PHP_INCLUDES_${version}})
  set(CMAKE_REQUIRED_INCLUDES ${includes} ${includes}/main ${includes}/TSRM ${includes}/Zend)
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY) # PHP itself has the symbols
  foreach(name php_load_environment_variables php_during_module_startup)
    check_cxx_source_compiles(
      "#include <php.h>\n#include <php_variables.h>\nconst void* const it = (const void*)&${name};"
      MAILORIGIN_PHP_${version}_HAS_${name})
    if(MAILORIGIN_PHP_${version}_HAS_${name})
      list(APPEND MAILORIGIN_PHP_DEFINITIONS_${version} MAILORIGIN_PHP_HAS_${name})
    endif()
  endforeach()
  unset(CMAKE_TRY_COMPILE_TARGET_TYPE)
  unset(CMAKE_REQUIRED_INCLUDES)
endforeach()
if(NOT MAILORIGIN_PHPS)
  message(FATAL_ERROR "no php-config was found: give -DMAILORIGIN_PHP_CONFIGS=/usr/bin/php-config8.4")
endif()
file(WRITE ${PROJECT_BINARY_DIR}/phps "${lines}")

# add_php_module(target version sources...): as PHP loads it; in the build, its directory has the
# version's name.
function(add_php_module target version)
  add_library(${target} MODULE ${ARGN})
  target_link_libraries(${target} PRIVATE mailorigin_compile)
  set(includes ${MAILORIGIN_PHP_INCLUDES_${version}})
  target_include_directories(${target} SYSTEM PRIVATE
    ${includes} ${includes}/main ${includes}/TSRM ${includes}/Zend)
  target_compile_definitions(${target} PRIVATE
    ZEND_COMPILE_DL_EXT=1 ${MAILORIGIN_PHP_DEFINITIONS_${version}})
  set_target_properties(${target} PROPERTIES
    PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${version})
endfunction()
